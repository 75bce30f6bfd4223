"""Which unit of work the device computes next."""
