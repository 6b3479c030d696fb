"""Time series: in files, in memory, scaled."""
