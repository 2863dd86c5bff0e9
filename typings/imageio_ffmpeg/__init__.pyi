from collections.abc import Generator, Sequence
from typing import Any

def write_frames(
    path: str,
    size: tuple[int, int],
    *,
    fps: float = ...,
    quality: float | None = ...,
    codec: str | None = ...,
    macro_block_size: int = ...,
    output_params: Sequence[str] | None = ...,
) -> Generator[None, Any]: ...
