"""The report: one HTML page about finished cells, with videos."""
