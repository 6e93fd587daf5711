"""The register of processing that is shipped: an example, which nobody has confirmed. Data only; `dsr.register` reads
it. `python -m dsr register copy FOLDER` gives a copy to make one's own."""
