"""What the benchmarks run in processes of its own, so that nothing measured shares an interpreter with the rest."""
