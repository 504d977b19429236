/** Expressions of assembly operands, with GNU as's operators and precedence. */
import { complain } from './errors.ts';
import { type Token, tokenize } from './scanner.ts';

/** A parsed expression. `here` is `.`, the address of the statement. */
export type Expression =
  | { readonly kind: 'number'; readonly value: bigint }
  | { readonly kind: 'symbol'; readonly name: string }
  | { readonly kind: 'unary'; readonly operator: string; readonly operand: Expression }
  | { readonly kind: 'binary'; readonly operator: string; readonly left: Expression; readonly right: Expression };

/** A value: an offset from the start of a section, or an absolute number when `section` is undefined. */
export interface Value {
  readonly value: bigint;
  readonly section: string | undefined;
}

/** Finds the value of a symbol (`.` included); throws a Complaint if it has none. */
export type Resolve = (name: string) => Value;

/** Relocation functions of operands. */
export const modifiers = ['%hi', '%lo', '%pcrel_hi', '%pcrel_lo'] as const;
export type Modifier = (typeof modifiers)[number];

/** An operand's expression and the relocation function around it. */
export interface Immediate {
  readonly expression: Expression;
  readonly modifier: Modifier | undefined;
}

/** GNU as: multiplication and shifts bind tighter than bit operations, and those tighter than addition. */
const precedence: Readonly<Record<string, number>> = {
  '*': 3,
  '/': 3,
  '%': 3,
  '<<': 3,
  '>>': 3,
  '|': 2,
  '&': 2,
  '^': 2,
  '!': 2,
  '+': 1,
  '-': 1,
};

/** Parses an operand, with or without a relocation function. */
export function parseImmediate(text: string): Immediate {
  const tokens = tokenize(text);
  const [first] = tokens;
  if (first?.kind !== 'symbol' || !first.name.startsWith('%')) {
    return { expression: parse(tokens, text), modifier: undefined };
  }
  const modifier = modifiers.find((name) => name === first.name);
  if (modifier === undefined) complain(`unknown relocation function '${first.name}'`);
  if (!isPunctuation(tokens[1], '(') || !isPunctuation(tokens.at(-1), ')')) {
    complain(`'${modifier}' needs its argument in parentheses`);
  }
  return { expression: parse(tokens.slice(2, -1), text), modifier };
}

/** Parses an expression. */
export function parseExpression(text: string): Expression {
  return parse(tokenize(text), text);
}

function isPunctuation(token: Token | undefined, text: string): boolean {
  return token?.kind === 'punctuation' && token.text === text;
}

function parse(tokens: readonly Token[], text: string): Expression {
  let at = 0;

  function primary(): Expression {
    const token = tokens[at++];
    if (token === undefined) return complain(text === '' ? 'an operand is empty' : `'${text}' ends too early`);
    if (token.kind === 'number') return { kind: 'number', value: token.value };
    if (token.kind === 'symbol') return { kind: 'symbol', name: token.name };
    if ('-+~!'.includes(token.text)) return { kind: 'unary', operator: token.text, operand: primary() };
    if (token.text !== '(') return complain(`unexpected '${token.text}' in '${text}'`);
    const inner = binary(0);
    if (!isPunctuation(tokens[at++], ')')) complain(`missing ')' in '${text}'`);
    return inner;
  }

  function binary(above: number): Expression {
    let left = primary();
    for (;;) {
      const token = tokens[at];
      const rank = token?.kind === 'punctuation' ? (precedence[token.text] ?? 0) : 0;
      if (token?.kind !== 'punctuation' || rank <= above) return left;
      at++;
      left = { kind: 'binary', operator: token.text, left, right: binary(rank) };
    }
  }

  const expression = binary(0);
  if (at !== tokens.length) complain(`cannot read '${text}'`);
  return expression;
}

/** The same expression with symbols renamed. */
export function renameSymbols(expression: Expression, rename: (name: string) => string): Expression {
  switch (expression.kind) {
    case 'number':
      return expression;
    case 'symbol':
      return { kind: 'symbol', name: rename(expression.name) };
    case 'unary':
      return { ...expression, operand: renameSymbols(expression.operand, rename) };
    case 'binary':
      return {
        ...expression,
        left: renameSymbols(expression.left, rename),
        right: renameSymbols(expression.right, rename),
      };
  }
}

/** Computes an expression. Sections cancel out in differences; anything else needs absolute operands. */
export function evaluate(expression: Expression, resolve: Resolve): Value {
  switch (expression.kind) {
    case 'number':
      return { value: expression.value, section: undefined };
    case 'symbol':
      return resolve(expression.name);
    case 'unary': {
      const operand = evaluate(expression.operand, resolve);
      if (expression.operator === '+') return operand;
      return { value: unary(expression.operator, absolute(operand)), section: undefined };
    }
    case 'binary':
      return combine(expression.operator, evaluate(expression.left, resolve), evaluate(expression.right, resolve));
  }
}

/** The number behind a value that must not depend on where a section lies. */
export function absolute(value: Value): bigint {
  if (value.section !== undefined) complain('the address of a label is not known here: only differences are');
  return value.value;
}

function unary(operator: string, value: bigint): bigint {
  if (operator === '-') return -value;
  if (operator === '~') return ~value;
  return value === 0n ? 1n : 0n;
}

function combine(operator: string, left: Value, right: Value): Value {
  if (operator === '+' && (left.section === undefined || right.section === undefined)) {
    return { value: left.value + right.value, section: left.section ?? right.section };
  }
  if (operator === '-' && right.section === undefined) {
    return { value: left.value - right.value, section: left.section };
  }
  if (operator === '-' && left.section === right.section) {
    return { value: left.value - right.value, section: undefined };
  }
  return { value: calculate(operator, absolute(left), absolute(right)), section: undefined };
}

function calculate(operator: string, left: bigint, right: bigint): bigint {
  switch (operator) {
    case '+':
      return left + right;
    case '-':
      return left - right;
    case '*':
      return left * right;
    case '/':
      return right === 0n ? complain('division by zero') : left / right;
    case '%':
      return right === 0n ? complain('division by zero') : left % right;
    case '<<':
      return left << shiftAmount(right);
    case '>>':
      return BigInt.asUintN(64, left) >> shiftAmount(right);
    case '|':
      return left | right;
    case '&':
      return left & right;
    case '^':
      return left ^ right;
    default:
      // Infix `!` is GNU's or-not.
      return left | ~right;
  }
}

function shiftAmount(value: bigint): bigint {
  return value >= 0n && value < 64n ? value : complain(`cannot shift by ${value}`);
}
