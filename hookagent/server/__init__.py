"""The two HTTP applications: the public listener and the private inspector."""
