"""Work: the processes behind `serve` and `worker`."""
