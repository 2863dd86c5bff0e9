"""Code that several families of methods share: collecting, replay, and the outer loops."""
