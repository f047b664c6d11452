"""Configuration files under /usr/share, /etc and ~/.config as frozen values."""
