"""Choosing settings by validation images: `python -m benchmarks.choices` tries them and says which to take.

What decides is a score on the validation images that `preprocess` sets apart, after a fit to the training images
without them; test images and their labels are removed before the first trial. For classifiers it is the accuracy, a
mean over the seeds 0, 1 and 2. For patch representations and spectral embeddings it is the adjusted Rand index of
K-means (form `kmeans`), a mean over the seeds of K-means: of representations by seed 0 of what is learned from patches,
of embeddings a mean over the seeds 0, 1 and 2. `rule.decide` says how a decision is made and what the tolerance is;
`steps.STEPS` holds the settings tried.
"""
