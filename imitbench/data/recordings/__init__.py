"""Recordings: data sets of others before they belong to a task; opened, checked, converted."""
