"""Every loader that installs here, through the life of a stack."""
