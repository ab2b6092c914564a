"""What every other room stands on, and what says nothing about skeletons: errors, files, configurations, tables."""
