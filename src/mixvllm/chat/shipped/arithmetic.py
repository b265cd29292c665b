"""Arithmetic on text: read as Python's grammar, computed by a table, never executed."""

from __future__ import annotations

import ast
import math
import operator
import warnings
from collections.abc import Callable
from typing import Any

MOST_CHARACTERS = 1000
MOST_DEPTH = 50
# About three thousand digits; Python itself would compute on for hours.
MOST_BITS = 10_000
MOST_FACTORIAL = 1000
SHOWN_DIGITS = 15

Number = int | float


class ArithmeticFailure(ValueError):
    """An expression that cannot be computed; the message says what of it."""


def evaluate(expression: str) -> Number:
    """The value of an expression.

    Raises:
        ArithmeticFailure: it is no arithmetic, has no value, or one that is too large.
    """
    if len(expression) > MOST_CHARACTERS:
        raise ArithmeticFailure(f"the expression is longer than {MOST_CHARACTERS:,} characters")
    try:
        return _value(_read(expression.strip()), 0)
    except ZeroDivisionError:
        raise ArithmeticFailure("division by zero") from None
    except (OverflowError, RecursionError, MemoryError):
        raise ArithmeticFailure(TOO_LARGE) from None


def shown(value: Number) -> str:
    """A value as text; what a float's last bits make of 0.1 + 0.2 is not shown."""
    return str(value) if isinstance(value, int) else f"{value:.{SHOWN_DIGITS}g}"


TOO_LARGE = f"the value is too large: at most {MOST_BITS:,} bits, or 1.8e308 with a fraction"


def _read(expression: str) -> ast.expr:
    try:
        with warnings.catch_warnings(action="ignore"):
            return ast.parse(expression, mode="eval").body
    except SyntaxError as error:
        raise ArithmeticFailure(f"this is no arithmetic: {error.msg}") from None
    except ValueError:  # characters that no source can have
        raise ArithmeticFailure("this is no arithmetic") from None


def _power(base: Number, exponent: Number) -> Number:
    if isinstance(base, int) and isinstance(exponent, int) and exponent > 0:
        _bounded(abs(base).bit_length() * exponent if abs(base) > 1 else 1)
    result = base**exponent
    if isinstance(result, complex):
        raise ArithmeticFailure("a root of a negative number is no real number")
    return result


def _times(left: Number, right: Number) -> Number:
    if isinstance(left, int) and isinstance(right, int):
        _bounded(left.bit_length() + right.bit_length())
    return left * right


def _bounded(bits: int) -> None:
    if bits > MOST_BITS:
        raise ArithmeticFailure(TOO_LARGE)


def _factorial(number: Number) -> int:
    if not isinstance(number, int) or not 0 <= number <= MOST_FACTORIAL:
        raise ArithmeticFailure(f"factorial takes whole numbers from 0 to {MOST_FACTORIAL:,}")
    return math.factorial(number)


def _comb(number: Number, chosen: Number) -> int:
    if not isinstance(number, int) or not isinstance(chosen, int):
        raise ArithmeticFailure("comb takes whole numbers")
    if not 0 <= number <= MOST_FACTORIAL or chosen < 0:
        raise ArithmeticFailure(f"comb takes whole numbers from 0 to {MOST_FACTORIAL:,}")
    return math.comb(number, chosen)


BINARY: dict[type[ast.operator], Callable[[Any, Any], Number]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: _times,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: _power,
}
UNARY: dict[type[ast.unaryop], Callable[[Any], Number]] = {
    ast.UAdd: operator.pos,
    ast.USub: operator.neg,
}
CONSTANTS = {"pi": math.pi, "e": math.e, "tau": math.tau}
FUNCTIONS: dict[str, Callable[..., Number]] = {
    **{"abs": abs, "round": round, "min": min, "max": max},
    **{"floor": math.floor, "ceil": math.ceil, "sqrt": math.sqrt, "exp": math.exp},
    **{"log": math.log, "log2": math.log2, "log10": math.log10},
    **{"sin": math.sin, "cos": math.cos, "tan": math.tan},
    **{"asin": math.asin, "acos": math.acos, "atan": math.atan},
    **{"degrees": math.degrees, "radians": math.radians, "hypot": math.hypot},
    **{"gcd": math.gcd, "factorial": _factorial, "comb": _comb},
}


def _value(node: ast.expr, depth: int) -> Number:
    if depth > MOST_DEPTH:
        raise ArithmeticFailure("the expression is nested too deeply")
    match node:
        case ast.Constant(value=bool()):
            pass
        case ast.Constant(value=int() | float() as number):
            return _checked(number)
        case ast.Name(id=name) if name in CONSTANTS:
            return CONSTANTS[name]
        case ast.UnaryOp(op=sign, operand=operand) if type(sign) in UNARY:
            return UNARY[type(sign)](_value(operand, depth + 1))
        case ast.BinOp(left=left, op=sign, right=right) if type(sign) in BINARY:
            values = _value(left, depth + 1), _value(right, depth + 1)
            return _checked(BINARY[type(sign)](*values))
        case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]) if name in FUNCTIONS:
            return _called(name, [_value(each, depth + 1) for each in arguments])
        case _:
            pass
    raise ArithmeticFailure(_not_known(node))


def _called(name: str, values: list[Number]) -> Number:
    try:
        return _checked(FUNCTIONS[name](*values))
    except TypeError as error:
        raise ArithmeticFailure(f"{name}: {error}") from None
    except ArithmeticFailure:
        raise
    except ValueError:
        shown_values = ", ".join(shown(value) for value in values)
        raise ArithmeticFailure(f"{name}({shown_values}) has no value") from None


def _checked(value: Number) -> Number:
    if isinstance(value, int):
        _bounded(value.bit_length())
    elif not math.isfinite(value):
        raise ArithmeticFailure(TOO_LARGE)
    return value


def _not_known(node: ast.expr) -> str:
    text = ast.unparse(node)[:40]
    match node:
        case ast.BinOp(op=ast.BitXor()):
            return f"{text}: a power is written **, not ^"
        case ast.Name():
            return f"{text} is not known; constants are {', '.join(CONSTANTS)}"
        case ast.Call(func=ast.Name()):
            return f"{text} cannot be called; functions are {', '.join(FUNCTIONS)}"
        case _:
            return f"{text} is no arithmetic: there are + - * / // % **, numbers and functions"
