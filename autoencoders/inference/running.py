"""Trained networks run by onnxruntime, from the graphs that lie beside their weights."""

import json
from pathlib import Path

import numpy as np
import onnxruntime

from autoencoders.core.cores import n_cores
from autoencoders.core.errors import InputError

# So many numbers may the largest value of a graph have that is computed at once: 16 MiB, and a few such values are held
# at a time. The result does not depend on it.
BATCH_VALUES = 2**22
# No more images at once, however small they are: a signal is heeded between batches.
MOST_IMAGES = 1024


class Graph:
    """One ONNX graph of a trained network, run on all cores.

    An image's outputs are the same bits in any batch and with any number of threads: onnxruntime sums along one order,
    and divides the work between threads by outputs.

    Parameters
    ----------
    file : Path
        As `autoencoders.networks.storage.save_graphs` wrote it.
    prepared : bool
        Whether to leave out the preparation of images.

    Attributes
    ----------
    code_shape : tuple of int
        Shape of one code: (width,) or (height, width, filters); () for classifiers.

    Raises
    ------
    InputError
        If the file is missing or damaged.
    """

    def __init__(self, file: Path, prepared: bool = False):
        options = onnxruntime.SessionOptions()
        # The number of threads is given, since onnxruntime otherwise ties threads to cores that the process may not
        # have. They sleep between operations: spinning took 1.1 to 1.7 times the processor time (2-core AMD EPYC).
        options.intra_op_num_threads = n_cores()
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.log_severity_level = 3
        try:
            model = _behind_preparation(file) if prepared else file.read_bytes()
            self._session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
            facts = self._session.get_modelmeta().custom_metadata_map
            self.code_shape = tuple(json.loads(facts["code_shape"]))
            self._batch = min(max(BATCH_VALUES // json.loads(facts["largest"]), 1), MOST_IMAGES)
        # The exceptions of onnxruntime and protobuf have no base class of their own.
        except Exception as error:
            raise InputError(
                f"{file.parent} holds no readable network ({file.name}: {type(error).__name__}); "
                f"delete it and train again with `dvc repro`."
            ) from None
        (self._input,), (self._output,) = self._session.get_inputs(), self._session.get_outputs()

    def __call__(self, inputs: np.ndarray) -> np.ndarray:
        """Return the graph's outputs, float32 [n, …], for its inputs [n, …].

        Inputs are images as stored, uint8 [n, height, width, channels]; without the preparation, float32 in 0 to 1 and
        in the network's colour; of a decoder codes, float32 [n, code size].
        """
        outputs = np.empty((len(inputs), *self._output.shape[1:]), np.float32)
        for start in range(0, len(inputs), self._batch):
            rows = slice(start, start + self._batch)
            outputs[rows] = self._session.run(None, {self._input.name: inputs[rows]})[0]
        return outputs


def _behind_preparation(file: Path) -> bytes:
    # Only here: what runs whole graphs does not wait for the import of onnx.
    import onnx

    from autoencoders.inference.graphs import behind_preparation

    return behind_preparation(onnx.load(file)).SerializeToString()
