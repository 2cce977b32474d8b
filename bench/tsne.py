"""scikit-learn's side of bench/tsne.ts: makes the points, runs t-SNE on one thread, evaluates layouts.

    tsne.py points N FILE              handwritten digits, 64 numbers each, as float32
    tsne.py run FILE N SEED LAYOUT     Barnes-Hut t-SNE; prints its CPU seconds, writes the layout as float64
    tsne.py judge FILE N LAYOUT ...    exact KL(P || Q) of each layout, with P over all pairs
"""
import os

for name in ('OMP_NUM_THREADS', 'OPENBLAS_NUM_THREADS', 'MKL_NUM_THREADS'):
    os.environ[name] = '1'

import sys
import time

import numpy as np
import sklearn
from sklearn.datasets import load_digits
from sklearn.manifold import TSNE
from sklearn.manifold._t_sne import _joint_probabilities
from scipy.spatial.distance import pdist, squareform


def points(n, file):
    """The 1797 digits, and each shifted by one pixel four ways: 8985 different pictures, n of them."""
    digits = load_digits().images
    shifted = [np.roll(digits, shift, axis) for axis in (1, 2) for shift in (-1, 1)]
    pictures = np.concatenate([digits, *shifted]).reshape(-1, 64)
    chosen = np.random.default_rng(0).choice(len(pictures) if n > len(digits) else len(digits), n, replace=False)
    pictures[chosen].astype(np.float32).tofile(file)


def read(file, n):
    return np.fromfile(file, np.float32).reshape(n, 64)


def run(file, n, seed, layout):
    data = read(file, n)
    start = time.process_time()
    fitted = TSNE(perplexity=30, max_iter=1000, init='pca', random_state=seed, n_jobs=1).fit_transform(data)
    print(sklearn.__version__, time.process_time() - start)
    fitted.astype(np.float64).tofile(layout)


def judge(file, n, layouts):
    p = _joint_probabilities(squareform(pdist(read(file, n).astype(np.float64), 'sqeuclidean')), 30, 0)
    for layout in layouts:
        q = 1 / (1 + pdist(np.fromfile(layout, np.float64).reshape(n, 2), 'sqeuclidean'))
        print(2 * np.sum(p * np.log(p / (q / (2 * q.sum())))))


command, *rest = sys.argv[1:]
if command == 'points':
    points(int(rest[0]), rest[1])
elif command == 'run':
    run(rest[0], int(rest[1]), int(rest[2]), rest[3])
elif command == 'judge':
    judge(rest[0], int(rest[1]), rest[2:])
