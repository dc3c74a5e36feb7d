"""Interpreting a pickle without obeying it.

A pickle is a program for a stack machine, and an ordinary unpickler calls the functions that it names. Here nothing is
called: text, numbers, lists, tuples and dictionaries are built, and `recording` notes what the pickle says of arrays.

What a pickle can cost is bounded. Text and bytes are copied from the file once, and there are at most `MOST_STEPS`
instructions, each of which takes a bounded time and some hundred bytes. Nothing recurses, so that values nested deeply
or in themselves do no harm.

Python's `pickletools` describes the instructions. Those admitted are the ones that Python 2 and 3 write for
dictionaries of text, numbers, lists and arrays, in the protocols 0 to 5.
"""

import pickle
from collections.abc import Callable

from autoencoders.sources import operands, recording
from autoencoders.sources.operands import LONGEST_NUMBER, Damaged, Operand, Reader

# 60,000 images with a label and a file name each need 180,000 in the protocols from 1; half a second.
MOST_STEPS = 300_000
MOST_MARKS = 100
# Setting an item may compare the key with an equal one, which takes as long as the key is.
LONGEST_KEY = 200
LATEST_PROTOCOL = 5


class _Machine:
    """The state of an interpretation: the file, the stack, the stacks under each mark, and the memo."""

    def __init__(self, file: bytes):
        self.reader = Reader(file)
        self.stack: list[object] = []
        self.below: list[list[object]] = []
        # A dictionary costs what it holds; a list would cost as much as its largest index.
        self.memo: dict[int, object] = {}
        self.encoded = 0

    def since_mark(self) -> list:
        """Take away what was put on the stack since the last mark, and the mark, and return it."""
        items, self.stack = self.stack, self.below.pop()
        return items


def interpret(file: bytes) -> object:
    """Return what a pickle describes.

    Parameters
    ----------
    file : bytes
        The pickle, of any protocol, from Python 2 or 3. What follows its end is ignored.

    Returns
    -------
    object
        Made of dict (its keys are str or bytes of at most `LONGEST_KEY`, and entries with other keys are left out),
        list, tuple, str, bytes (also for Python 2's strings and for byte arrays), int, float, bool, None, and
        `recording`'s `Array`, `Dtype` and `Name`. It may be nested to any depth and hold itself: what recurses into
        it, as printing, comparing and hashing do, can crash Python.

    Raises
    ------
    Refused
        If it asks for a function or class that is not admitted.
    Damaged
        If it ends early, is too long, or has an instruction that is not admitted or makes no sense.
    """
    machine = _Machine(file)
    reader = machine.reader
    for _ in range(MOST_STEPS):
        begin = reader.position
        # Not `take`: calling it would be a quarter of the whole time.
        code = file[begin : begin + 1]
        reader.position = begin + 1
        try:
            if operand := PUSHED.get(code):
                machine.stack.append(operand(reader))
            elif step := STEPS.get(code):
                step(machine)
            elif code == pickle.STOP:
                return machine.stack.pop()
            elif code:
                raise Damaged(f"byte {begin} is {code[0]:#04x}, which is no instruction for text, numbers and arrays")
            else:
                raise Damaged(f"the file ends after {begin} bytes, before the pickle does")
        # Nothing on the stack or in the memo, a value of the wrong type, text that is not in its encoding.
        except (LookupError, TypeError, ValueError):
            raise Damaged(f"the instruction at byte {begin} cannot be followed") from None
    raise Damaged(f"it has more than {MOST_STEPS} instructions")


# Instructions that put their operand on the stack.
PUSHED: dict[bytes, Operand[object]] = {
    pickle.NONE: operands.constant(None),
    pickle.NEWTRUE: operands.constant(True),
    pickle.NEWFALSE: operands.constant(False),
    pickle.INT: operands.line(operands.digits, LONGEST_NUMBER),
    pickle.LONG: operands.line(operands.long_digits, LONGEST_NUMBER),
    pickle.BININT: operands.signed(4),
    pickle.BININT1: operands.number(1),
    pickle.BININT2: operands.number(2),
    pickle.LONG1: operands.sized(1, operands.integer),
    pickle.FLOAT: operands.line(float, LONGEST_NUMBER),
    pickle.BINFLOAT: operands.float64,
    pickle.STRING: operands.line(operands.quoted),
    pickle.BINSTRING: operands.raw(4),
    pickle.SHORT_BINSTRING: operands.raw(1),
    pickle.BINBYTES: operands.raw(4),
    pickle.SHORT_BINBYTES: operands.raw(1),
    pickle.BINBYTES8: operands.raw(8),
    pickle.BYTEARRAY8: operands.raw(8),
    pickle.UNICODE: operands.line(operands.escaped),
    pickle.BINUNICODE: operands.sized(4, operands.utf8),
    pickle.SHORT_BINUNICODE: operands.sized(1, operands.utf8),
    pickle.BINUNICODE8: operands.sized(8, operands.utf8),
    pickle.EMPTY_TUPLE: operands.constant(()),
    pickle.EMPTY_LIST: operands.new(list),
    pickle.EMPTY_DICT: operands.new(dict),
}


# The other instructions. Each reads its operand, and changes the stack or the memo.
_Step = Callable[[_Machine], None]


def _protocol(machine: _Machine) -> None:
    if machine.reader.number(1) > LATEST_PROTOCOL:
        raise ValueError


def _frame(machine: _Machine) -> None:
    # A frame says how much to read ahead, which means nothing where the whole file has been read.
    machine.reader.require(machine.reader.number(8))


def _mark(machine: _Machine) -> None:
    if len(machine.below) == MOST_MARKS:
        raise Damaged(f"its marks are nested more than {MOST_MARKS} deep")
    machine.below.append(machine.stack)
    machine.stack = []


def _put(operand: Operand[int]) -> _Step:
    def step(machine: _Machine) -> None:
        index = operand(machine.reader)
        # Picklers count. Other indices could be chosen so that all have the same hash.
        if not 0 <= index < MOST_STEPS:
            raise Damaged(f"it stores a value at index {index}, which must be below {MOST_STEPS}")
        machine.memo[index] = machine.stack[-1]

    return step


def _get(operand: Operand[int]) -> _Step:
    return lambda machine: machine.stack.append(machine.memo[operand(machine.reader)])


def _memoize(machine: _Machine) -> None:
    machine.memo[len(machine.memo)] = machine.stack[-1]


def _tuple(count: int) -> _Step:
    def step(machine: _Machine) -> None:
        if len(machine.stack) < count:
            raise IndexError
        machine.stack[-count:] = [tuple(machine.stack[-count:])]

    return step


def _container(make: Callable[[list], object]) -> _Step:
    def step(machine: _Machine) -> None:
        items = machine.since_mark()
        machine.stack.append(make(items))

    return step


def _dictionary(items: list) -> dict:
    filled: dict[str | bytes, object] = {}
    _fill(filled, items)
    return filled


def _append(machine: _Machine) -> None:
    value = machine.stack.pop()
    _extend(machine.stack[-1], [value])


def _appends(machine: _Machine) -> None:
    items = machine.since_mark()
    _extend(machine.stack[-1], items)


def _set_item(machine: _Machine) -> None:
    value, key = machine.stack.pop(), machine.stack.pop()
    _fill(machine.stack[-1], [key, value])


def _set_items(machine: _Machine) -> None:
    items = machine.since_mark()
    _fill(machine.stack[-1], items)


def _extend(target: object, items: list) -> None:
    if not isinstance(target, list):
        raise TypeError
    target.extend(items)


def _fill(target: object, items: list) -> None:
    if not isinstance(target, dict) or len(items) % 2:
        raise TypeError
    for key, value in zip(items[::2], items[1::2], strict=True):
        # Other keys could be too deep to be hashed, or be chosen so that all have the same hash.
        if isinstance(key, str | bytes) and len(key) <= LONGEST_KEY:
            target[key] = value


def _named_in_lines(machine: _Machine) -> None:
    module, name = (machine.reader.line().decode("ascii", "backslashreplace") for _ in range(2))
    machine.stack.append(recording.named(module, name))


def _named_on_stack(machine: _Machine) -> None:
    name, module = machine.stack.pop(), machine.stack.pop()
    if not isinstance(module, str) or not isinstance(name, str):
        raise TypeError
    machine.stack.append(recording.named(module, name))


def _reduce(machine: _Machine) -> None:
    arguments, function = machine.stack.pop(), machine.stack.pop()
    result = recording.called(function, arguments)
    if isinstance(result, bytes):
        # An honest pickle encodes each text once. One that did so again and again would fill the memory.
        machine.encoded += len(result)
        if machine.encoded > len(machine.reader.file):
            raise Damaged("it encodes more text than it holds")
    machine.stack.append(result)


def _build(machine: _Machine) -> None:
    state = machine.stack.pop()
    recording.given_state(machine.stack[-1], state)


STEPS: dict[bytes, _Step] = {
    pickle.PROTO: _protocol,
    pickle.FRAME: _frame,
    pickle.MARK: _mark,
    pickle.PUT: _put(operands.line(int, LONGEST_NUMBER)),
    pickle.BINPUT: _put(operands.number(1)),
    pickle.LONG_BINPUT: _put(operands.number(4)),
    pickle.MEMOIZE: _memoize,
    pickle.GET: _get(operands.line(int, LONGEST_NUMBER)),
    pickle.BINGET: _get(operands.number(1)),
    pickle.LONG_BINGET: _get(operands.number(4)),
    pickle.TUPLE: _container(tuple),
    pickle.TUPLE1: _tuple(1),
    pickle.TUPLE2: _tuple(2),
    pickle.TUPLE3: _tuple(3),
    pickle.LIST: _container(list),
    pickle.DICT: _container(_dictionary),
    pickle.APPEND: _append,
    pickle.APPENDS: _appends,
    pickle.SETITEM: _set_item,
    pickle.SETITEMS: _set_items,
    pickle.GLOBAL: _named_in_lines,
    pickle.STACK_GLOBAL: _named_on_stack,
    pickle.REDUCE: _reduce,
    pickle.BUILD: _build,
}
