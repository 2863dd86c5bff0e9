// Videos of one task start together.
for (const b of document.querySelectorAll("button.play")) {
  b.onclick = () => {
    for (const v of b.closest(".videos").querySelectorAll("video")) {
      v.currentTime = 0;
      v.play();
    }
  };
}
