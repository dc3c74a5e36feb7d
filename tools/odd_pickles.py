"""Pickles that try to do harm, made from a seed: mutations of honest ones, and programs that no pickler would write."""

import pickletools
import random

from tools.pickle_parts import (
    IMAGES,
    LABELS,
    SHAPE,
    array,
    buffered,
    dictionary,
    dtype,
    honest,
    named,
    number,
    raw,
    sequence,
    text,
    whole,
)

# What lets an unpickler run code, read files, or call NumPy's internals; and names that are long or not printable.
FUNCTIONS = [
    ("os", "system"),
    ("builtins", "eval"),
    ("builtins", "getattr"),
    ("numpy", "load"),
    ("numpy", "ndarray.tofile"),
    ("numpy._core.multiarray", "scalar"),
    ("numpy.core.multiarray", "fromfile"),
    ("copyreg", "_reconstructor"),
    ("x" * 10_000, "y" * 10_000),
    ("\x1b[2J", "\u202e"),
]
ADMITTED = [
    ("numpy", "ndarray"),
    ("numpy", "dtype"),
    ("numpy.core.multiarray", "_reconstruct"),
    ("numpy._core.numeric", "_frombuffer"),
    ("_codecs", "encode"),
    ("__builtin__", "bytes"),
]
TYPES = ["O", "O8", "V8", "S1000000000", "U1000000000", "M8", "m8[ns]", "f8", "f2", "c16", "b1", "i8,O", "u1" * 500]
TYPES += ["u1", "u1", "i8", "u8", "(1000000,1000000)u1", "|O", "\x00", "", "P", "p", "u3", "1u", "G"]
SIZES = [0, 1, 2, 127, 255, 256, 2**15, 2**16, 2**24, 2**31, 2**32 - 1, 2**33, 2**62, 2**63 - 1, 2**63, 2**64 - 1]
# Just below the reader's bound on instructions, so that programs of as many instructions run to their end.
MANY = 290_000
GOOD = sequence(*map(number, (2, *SHAPE))), dtype(text("u1")), raw(bytes(12))


def mutated(seed: int, index: int) -> bytes:
    """Return an honest pickle with one to eight mutations; the same arguments give the same bytes."""
    rng = random.Random(f"mutated {seed} {index}")
    content = bytearray(rng.choice(honest()))
    for _ in range(rng.choice([1, 1, 2, 3, 8])):
        begin = rng.randrange(len(content) + 1)
        end = min(len(content), begin + rng.choice([1, 1, 1, 2, 4, 8, 32]))
        content[begin:end] = _mutation(rng, content[begin:end])
        if rng.random() < 0.02:
            del content[rng.randrange(len(content) + 1) :]
    return bytes(content)


def _mutation(rng: random.Random, content: bytearray) -> bytes:
    match rng.randrange(7):
        case 0:
            return bytes(byte ^ 1 << rng.randrange(8) for byte in content)
        case 1:
            return rng.randbytes(len(content))
        case 2:
            return rng.choice(pickletools.opcodes).code.encode("latin1")
        case 3:
            return rng.choice(SIZES).to_bytes(8, "little")[: rng.choice([1, 2, 4, 8])]
        case 4:
            return bytes(content * 2)
        case 5:
            other = rng.choice(honest())
            cut = rng.randrange(len(other))
            return other[cut : cut + rng.randint(1, 64)]
    return b""


def constructed(seed: int, index: int) -> bytes:
    """Return a pickle of one of `FAMILIES`, by turns; the same arguments give the same bytes."""
    rng = random.Random(f"constructed {seed} {index}")
    turn, family = divmod(index, len(FAMILIES))
    return FAMILIES[family](rng, turn)


def _anywhere(rng: random.Random, value: bytes, before: bytes = b"") -> bytes:
    """Return a pickle that puts a value where images, labels, names, or a part of an array should be."""
    shape, kind, content = GOOD
    images = array(*GOOD)
    wholes = [value, b"}" + value + b"K\x00s", b"}(" + text(IMAGES) + images + text(LABELS) + value + b"u"]
    dictionaries = [
        (value,),
        (images, value),
        (images, b"](K\x00" + value + b"e"),
        (b"N", b"N", b"](" + text("a") * 9 + value + b"e"),
        (array(value, kind, content),),
        (array(sequence(value, number(6)), kind, content),),
        (array(shape, value, content),),
        (array(shape, dtype(value), content),),
        (array(shape, dtype(text("u1"), value), content),),
        (array(shape, kind, value),),
        (array(shape, kind, content, value),),
        (buffered(content, kind, shape, value),),
        (buffered(content, kind, shape, text("K"), value),),
    ]
    made = [whole(each, before) for each in wholes] + [dictionary(*each, before=before) for each in dictionaries]
    return rng.choice(made)


def _instruction(rng: random.Random, opcode: pickletools.OpcodeInfo) -> bytes:
    """Return an instruction with an operand, which is often a proper one."""
    width = opcode.arg.n if opcode.arg else 0
    if width >= 0:
        operand = rng.randbytes(width) if rng.random() < 0.3 else bytes([rng.randrange(4)] + [0] * 7)[:width]
    elif width == pickletools.UP_TO_NEWLINE:
        lines = [b"0", b"1", b"01", b"-1", b"'a'", b'"\\x0g"', b"\\ud800", b"1" * 5000, b"9" * 18, b"0.5", b"nan", b""]
        lines += [f"{module}\n{name}".encode() for module, name in [*ADMITTED, ("os", "system")]]
        operand = rng.choice(lines) + b"\n"
    else:
        size = {pickletools.TAKEN_FROM_ARGUMENT1: 1, pickletools.TAKEN_FROM_ARGUMENT8U: 8}.get(width, 4)
        length = rng.choice([0, 1, 2, 3, 5, *SIZES]) % 256**size
        operand = length.to_bytes(size, "little") + rng.randbytes(min(length, 20))
    return opcode.code.encode("latin1") + operand


# Families of programs. Each returns a pickle for each turn.


def _single(rng: random.Random, turn: int) -> bytes:
    """Every instruction in turn, with something to work on."""
    before = rng.choice([b"", b"(", b"]", b"((", b"](", b"}(", b"}" + text("a"), dtype(b"N"), array(b"N", b"N", b"N")])
    before += b"".join(rng.choices([b"N", b")", b"]", text("latin1")], k=rng.randrange(3)))
    return _anywhere(rng, before + _instruction(rng, pickletools.opcodes[turn % len(pickletools.opcodes)]))


def _programs(rng: random.Random, _: int) -> bytes:
    """Instructions of every kind, in any order."""
    start = [b"(", b"]", b"}", b")", b"N", text("a"), b"K\x01", b"]\x94", dtype(text("u1"))]
    instructions = [_instruction(rng, rng.choice(pickletools.opcodes)) for _ in range(rng.randint(1, 60))]
    return whole(b"".join(rng.choices(start, k=12) + instructions))


def _claims(rng: random.Random, _: int) -> bytes:
    """Lengths of text, bytes, numbers and frames that the file does not have, and indices that are far away."""
    width, codes = rng.choice([(1, "UC\x8c\x8aq"), (2, "M"), (4, "TBX\x8brj"), (8, "\x8d\x8e\x95\x96")])
    claim = (rng.choice(SIZES) % 256**width).to_bytes(width, "little")
    content = rng.choice(codes).encode("latin1") + claim + rng.randbytes(rng.choice([0, 3, 300]))
    return _anywhere(rng, rng.choice([b"", b"}"]) + content)


def _deep(rng: random.Random, turn: int) -> bytes:
    """Containers and records in each other, hundreds of thousands deep."""
    depth = rng.choice([90, 101, 1000, 100_000, MANY // 3, MANY // 2])
    make = named("numpy.core.multiarray", "_reconstruct") + b"\x94)\x94N\x94"
    variants = [
        lambda: (b"]" * depth + b"a" * (depth - 1), b""),
        lambda: (b"N" + b"\x85" * depth, b""),
        lambda: (b"(" * depth + b"t" * depth, b""),
        lambda: (b"(" * depth + b"l" * depth, b""),
        lambda: (b"(" * depth, b""),
        lambda: (b"}" + b"h\x00}" * (depth // 2) + b"s" * (depth // 2), text("a") + b"\x94"),
        # Types of numbers whose name is such a type.
        lambda: (b"h\x00" * depth + b"N" + b"\x85R" * depth, named("numpy", "dtype") + b"\x94"),
        # Arrays whose shape is such an array. Those within go from the stack, as items without a proper key.
        lambda: (b"}" + b"Nh\x00h\x01R(Nh\x02NNNtbq\x02s" * (depth // 6) + b"h\x02", make),
    ]
    return _anywhere(rng, *variants[turn % len(variants)]())


def _selves(rng: random.Random, turn: int) -> bytes:
    """Values that hold themselves, and lists of two lists of two lists ..., which no memory could write out."""
    levels = rng.choice([10, 60, 1000, MANY // 10])
    pair = text("a") + b"h\x00" + text("b") + b"h\x00"
    variants = [
        b"]\x94h\x00a",
        b"]\x94h\x00\x85q\x01ah\x01q\x00",
        b"}\x94" + text("a") + b"h\x00s",
        b"}\x94" + text(IMAGES) + b"h\x00s",
        array(b")", b"N", b"N") + b"\x94" + sequence(*[b"h\x00"] * 5) + b"b",
        dtype(b"N") + b"\x94" + sequence(*[b"h\x00"] * 9) + b"b",
        b"]\x94" + b"](h\x00h\x00eq\x00" * levels,
        b"K\x01\x94" + b"h\x00h\x00\x86q\x00" * levels,
        b"}\x94" + (b"}(" + pair + b"uq\x00") * levels,
    ]
    return _anywhere(rng, b"h\x00", variants[turn % len(variants)])


def _types(rng: random.Random, turn: int) -> bytes:
    """Types of numbers that hold pointers, fields or nothing, and states that contradict their names."""
    name = rng.choice([text(TYPES[turn % len(TYPES)])] * 5 + [b"N", b"K\x01", named("numpy", "ndarray")])
    order = rng.choice([text(order) for order in ("|", "|", "<", ">", "=", "O", "", "<<")] + [b"N", b"]", b"}", b")"])
    pointers = dtype(text("O"))
    rest = [
        rng.choice([b"N", sequence(pointers, sequence(number(2**40)))]),
        rng.choice([b"N", sequence(text("a"))]),
        rng.choice([b"N", b"}", b"}" + text("a") + sequence(pointers, number(0)) + b"s"]),
        *(number(rng.choice([-1, 0, 8, 2**40])) for _ in range(3)),
        *rng.choice([[], [b"}"], [b"N"] * 20]),
    ]
    kind = dtype(name, order, *rest)
    shape = sequence(*(number(rng.choice([1, 2, 4])) for _ in range(rng.randrange(4))))
    arrays = [array(shape, kind, raw(b"A" * rng.choice([8, 12, 16, 32]))) for _ in range(2)]
    return dictionary(*rng.choice([arrays, [array(*GOOD), arrays[0]]]))


def _shapes(rng: random.Random, _: int) -> bytes:
    """Shapes that are huge, negative, no numbers, or do not fit what the array holds, in every order."""
    sizes = [0, 1, 2, 3, 4, -1, -2, 2**31, 2**32, 2**62, 2**63, 2**64, 2**500]
    items = [number(rng.choice(sizes)) for _ in range(rng.choice([1, 2, 3, 3, 3, 8, 65, 20_000]))]
    right, kind, content = GOOD
    odd = [sequence(*items), b"](" + b"".join(items) + b"e", items[0], b"N", sequence(b"\x88", *items)]
    shape = rng.choice([right, odd[0], *odd])
    content = rng.choice([content, content, raw(b""), text("a" * 12), b"](K\x01e", b"N"])
    if rng.random() < 0.5:
        return dictionary(array(shape, kind, content, rng.choice([b"\x88", b"\x89", b"N"])), b"](K\x00K\x01e")
    order = rng.choice([text(order) for order in "CFKKA"] + [b"N"])
    axes = [sequence(*map(number, axes)) for axes in ((0, 2, 1), (0, 0, 1), (0,), (-1, 1, 0))]
    images = buffered(content, kind, shape, order, *rng.choice([[], *([each] for each in axes)]))
    return dictionary(images, b"](K\x00K\x01e")


def _calls(rng: random.Random, turn: int) -> bytes:
    """Calls of functions that are not admitted, by every instruction that calls; and odd calls of those that are."""
    functions = FUNCTIONS + 3 * ADMITTED
    module, name = functions[turn % len(functions)]
    lines = f"{module}\n{name}\n".encode()
    values = [text("true"), text("latin1"), b"N", b")", b"]", number(2**40), raw(b"latin1")]
    arguments = sequence(*rng.choices(values, k=rng.randrange(6)))
    function = rng.choice([b"c" + lines, named(module, name)])
    calls = [function + arguments + call for call in (b"R", b"R", b"R", b"\x81", b"}\x92", b"b")]
    calls += [b"(" + function + arguments + b"o", b"(" + b"i" + lines, b"\x82\x01", b"Pa\n", b"NQ"]
    return _anywhere(rng, rng.choice(calls))


def _wastes(rng: random.Random, turn: int) -> bytes:
    """Programs that would take much time or memory for few bytes, were nothing bounded."""
    # Functions, since each program has up to some million bytes.
    times = rng.choice([1000, 50_000, MANY])
    key = text("a" * rng.choice([150, 1_000_000])) + b"\x94"
    one_hash = (2**61 - 1) << rng.randrange(60)
    encode = named("_codecs", "encode") + b"\x94" + sequence(text("ä" * 500_000), text("latin1")) + b"\x94"
    variants = [
        # Long text that is encoded again and again.
        lambda: (b"h\x00h\x01R" * (times // 3), encode),
        # Equal keys that are two objects, so that each has to be compared with the other.
        lambda: (b"}(" + b"h\x00Nh\x01N" * (times // 4) + b"u", key + key),
        # Numbers with one hash, as keys and as indices of the memo.
        lambda: (b"}(" + b"".join(number(one_hash * index) + b"N" for index in range(times // 4)) + b"u", b""),
        lambda: (b"N" + b"".join(b"p%d\n" % (one_hash * index % 10**30) for index in range(times // 8)), b""),
        lambda: (
            b"N" + b"".join(b"r" + (index << 13 & 0xFFFFFFFF).to_bytes(4, "little") for index in range(times // 2)),
            b"",
        ),
        lambda: (b"](" + b"I" + b"9" * times + b"\ne", b""),
        lambda: (b"L" + b"9" * times + b"L\n", b""),
        lambda: (b"F" + b"9" * times + b"\n", b""),
        lambda: (b"S'" + b"\\x" * times + b"'\n", b""),
        lambda: (b"S'" + b"\\\\\\d" * times + b"'\n", b""),
        lambda: (b"V" + b"\\U0010ffff" * times + b"\n", b""),
        lambda: (b"]" + b"\x94" * times, b""),
        lambda: (b"]\x94" * (times // 2), b""),
        lambda: (b"}h\x00Ns" * (times // 4), text("a") + b"\x94"),
        lambda: (b"](" + b"K\x01" * times + b"e", b""),
        lambda: (b"(" + b"]" * times + b"l", b""),
        lambda: (b"(" + b"K\x01" * times + b"t", b""),
        lambda: (text("\U0010ffff" + "a" * times * 4), b""),
        lambda: (b"c" + b"numpy.core." * times + b"\nx\n", b""),
        lambda: (dtype(text("u1")) * (times // 20), b""),
        lambda: (array(*GOOD) * (times // 50), b""),
    ]
    return _anywhere(rng, *variants[turn % len(variants)]())


FAMILIES = [_single, _programs, _claims, _deep, _selves, _types, _shapes, _calls, _wastes]
