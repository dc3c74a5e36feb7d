"""What every room uses: errors, one thread, rows larger than memory, seeded samples."""
