"""Outcomes as files and tables for people."""
