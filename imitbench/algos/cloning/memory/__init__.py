"""What a clone remembers of an episode: windows, their settings and the actor."""
