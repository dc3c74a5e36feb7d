"""What codes and networks are good for: search, samples, denoising, sequences; and scores of reconstructions."""
