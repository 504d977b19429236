/**
 * Rows of the table of procedures: a number, the types of arguments and result, and how the procedure is a method of
 * `Backend`. Encoder, decoder, the server's dispatch and the client's stubs all come from these rows.
 */
import type { Duplex } from 'node:stream';
import type { Backend } from '../backend.ts';
import { Program } from './packet.ts';
import {
  type AnyXdr,
  type ReadOf,
  type ReadShape,
  type Shape,
  struct,
  type WrittenOf,
  type WrittenShape,
  type XdrType,
} from './xdr-types.ts';

/** Methods of a backend. */
export type MethodName = Exclude<keyof Backend, 'events'>;

/** One argument: its type by its name. */
export type Argument = Readonly<Record<string, AnyXdr>>;
type ArgumentType<A extends Argument> = A[keyof A];
/** Arguments as they are read, in order. */
export type ReadArguments<A extends readonly Argument[]> = { -readonly [K in keyof A]: ReadOf<ArgumentType<A[K]>> };
/** Arguments as they may be written, in order. */
export type WrittenArguments<A extends readonly Argument[]> = {
  -readonly [K in keyof A]: WrittenOf<ArgumentType<A[K]>>;
};

type IsUnion<T, All = T> = T extends unknown ? ([All] extends [T] ? false : true) : never;
/** Nothing for no field, the bare value of an only field, else an object. */
export type ReadResult<R extends Shape> = [keyof R] extends [never]
  ? undefined
  : IsUnion<keyof R> extends true
    ? ReadShape<R>
    : ReadOf<R[keyof R]>;
type Nothing = ReturnType<() => void>;
/** What may be written of a result. */
export type WrittenResult<R extends Shape> = [keyof R] extends [never]
  ? Nothing
  : IsUnion<keyof R> extends true
    ? WrittenShape<R>
    : WrittenOf<R[keyof R]>;

/** Where a stream's data goes, as the client sees it. */
export type StreamDirection = 'send' | 'receive' | 'both';

/** A stream that a call has opened, beside its result. */
export interface Streamed<Result> {
  readonly result: Result;
  readonly stream: Duplex;
}

interface AnyWire {
  /** All procedures of the same connection. */
  readonly backend: Backend;
  /** Whether the server has a feature (virDrvFeature). */
  supports(feature: number): Promise<boolean>;
}

/** What a client's stub has: the call on the wire, and all else. */
export interface Wire<A extends readonly Argument[], R extends Shape> extends AnyWire {
  /** Calls the procedure. */
  send(...args: WrittenArguments<A>): Promise<ReadResult<R>>;
}

/** What a client's stub of a procedure with a stream has. */
export interface StreamWire<A extends readonly Argument[], R extends Shape> extends AnyWire {
  /** Calls the procedure and opens its stream. */
  open(...args: WrittenArguments<A>): Promise<Streamed<ReadResult<R>>>;
}

/** How a client and a server use a procedure; all values as `Procedure` has them. */
interface Binding {
  readonly method: MethodName;
  /** Carries a call out. */
  serve(backend: Backend, args: readonly unknown[]): Promise<unknown>;
  /** Makes a method of it; undefined where the procedure cannot say what the parameters ask for. */
  readonly call?: ((wire: UntypedWire, params: readonly unknown[]) => Promise<unknown> | undefined) | undefined;
}

/** A stub's wire without types. */
export interface UntypedWire extends AnyWire {
  send(...args: unknown[]): Promise<unknown>;
  open(...args: unknown[]): Promise<Streamed<unknown>>;
}

/** One row. Arguments are a list in order; a result is as ReadResult says. */
export interface Procedure {
  readonly program: number;
  readonly number: number;
  /** As libvirt's protocol names it, without its prefix. */
  readonly name: string;
  readonly args: XdrType<unknown[], readonly unknown[]>;
  readonly result: XdrType<unknown>;
  /** Whether this call changes something, or tells secrets: what a read-only connection may not do. */
  writes(args: readonly unknown[]): boolean;
  /** Where the data of the stream that it opens goes. */
  readonly streams?: StreamDirection;
  /** Whether a call's stream may have holes. */
  sparse(args: readonly unknown[]): boolean;
  /** Absent: the connection itself answers. */
  readonly binding?: Binding;
}

/** The type of a list of arguments. */
export function argumentList(args: readonly Argument[]): XdrType<unknown[], readonly unknown[]> {
  const types = args.map((one) => Object.values(one)[0] as AnyXdr);
  return {
    minBytes: types.reduce((sum, { minBytes }) => sum + minBytes, 0),
    write(to, values) {
      for (const [index, type] of types.entries()) type.write(to, values[index] as never);
    },
    read: (from) => types.map((type) => type.read(from)),
  };
}

function resultOf(shape: Shape): XdrType<unknown> {
  const types = Object.values(shape);
  if (types.length === 1) return types[0] as XdrType<unknown>;
  if (types.length === 0) return { minBytes: 0, write() {}, read: () => undefined };
  return struct(shape) as XdrType<unknown>;
}

/** `domainGetXmlDesc` is DOMAIN_GET_XML_DESC. */
function procedureName(method: string): string {
  return method.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase();
}

type Params<M extends MethodName> = Parameters<Backend[M]>;
type Answer<M extends MethodName> = Awaited<ReturnType<Backend[M]>>;
type Fits<From, To> = [From] extends [To] ? true : false;
/** Whether a method takes and gives just what a procedure has. */
type Same<M extends MethodName, A extends readonly Argument[], R extends Shape> = [
  Fits<ReadArguments<A>, Params<M>>,
  Fits<Params<M>, WrittenArguments<A>>,
  Fits<Answer<M>, WrittenResult<R>>,
  Fits<ReadResult<R>, Answer<M>>,
] extends [true, true, true, true]
  ? []
  : ['arguments or result are not those of the method: use mapped()'];

/** How a procedure and a method of other parameters are one another. */
interface Mapping<M extends MethodName, A extends readonly Argument[], R extends Shape> {
  serve(backend: Backend, ...args: ReadArguments<A>): Promise<WrittenResult<R>>;
  call(wire: Wire<A, R>, ...params: Params<M>): Promise<Answer<M>>;
}

/** How another procedure for a method is that method. */
interface VariantMapping<M extends MethodName, A extends readonly Argument[], R extends Shape> {
  serve(backend: Backend, ...args: ReadArguments<A>): Promise<WrittenResult<R>>;
  /** undefined: it cannot say that. Absent: only servers know it. */
  call?(wire: Wire<A, R>, ...params: Params<M>): Promise<Answer<M>> | undefined;
}

/** How a procedure with a stream is a method. */
interface StreamMapping<M extends MethodName, A extends readonly Argument[], R extends Shape> {
  serve(backend: Backend, ...args: ReadArguments<A>): Promise<Streamed<WrittenResult<R>>>;
  call(wire: StreamWire<A, R>, ...params: Params<M>): Promise<Answer<M>>;
}

/** Makes rows of one kind. */
export interface Rows {
  /** A procedure that is a method as it is. */
  direct<M extends MethodName, const A extends readonly Argument[], const R extends Shape>(
    number: number,
    method: M,
    args: A,
    result: R,
    ...problem: Same<M, A, R>
  ): Procedure;
  /** A procedure that is a method with other parameters. */
  mapped<M extends MethodName, const A extends readonly Argument[], const R extends Shape>(
    number: number,
    method: M,
    args: A,
    result: R,
    mapping: Mapping<M, A, R>,
  ): Procedure;
  /** Another procedure for a method, as a rule an older one: after the one that clients are to take first. */
  variant<M extends MethodName, const A extends readonly Argument[], const R extends Shape>(
    number: number,
    name: string,
    method: M,
    args: A,
    result: R,
    mapping: VariantMapping<M, A, R>,
  ): Procedure;
  /** One that opens a stream. */
  streamed<M extends MethodName, const A extends readonly Argument[], const R extends Shape>(
    direction: StreamDirection,
    number: number,
    method: M,
    args: A,
    result: R,
    mapping: StreamMapping<M, A, R>,
  ): Procedure;
}

function rows(program: number, writes: boolean): Rows {
  const row = (
    number: number,
    name: string,
    [args, result]: readonly [readonly Argument[], Shape],
    binding: Binding,
    streams?: StreamDirection,
  ): Procedure => ({
    program,
    number,
    name,
    args: argumentList(args),
    result: resultOf(result),
    writes: () => writes,
    ...(streams === undefined ? {} : { streams }),
    sparse: () => false,
    binding,
  });
  return {
    direct: (number, method, args, result, ..._problem) =>
      row(number, procedureName(method), [args, result], {
        method,
        serve: (backend, values) => untyped(backend)[method](...values),
        call: (wire, params) => wire.send(...params),
      }),
    mapped: (number, method, args, result, { serve, call }) =>
      row(number, procedureName(method), [args, result], { method, serve: spread(serve), call: spread(call) }),
    variant: (number, name, method, args, result, { serve, call }) =>
      row(number, name, [args, result], {
        method,
        serve: spread(serve),
        ...(call === undefined ? {} : { call: spread(call) }),
      }),
    streamed: (direction, number, method, args, result, { serve, call }) =>
      row(
        number,
        procedureName(method),
        [args, result],
        { method, serve: spread(serve), call: spread(call) },
        direction,
      ),
  };
}

type Untyped = Readonly<Record<MethodName, (...params: readonly unknown[]) => Promise<unknown>>>;

function untyped(backend: Backend): Untyped {
  return backend as unknown as Untyped;
}

/** A function of a mapping that takes its values as a list: their types are the row's, which its builder has checked. */
function spread<Result>(mapping: unknown): (context: unknown, values: readonly unknown[]) => Promise<Result> {
  const of = mapping as (context: unknown, ...values: readonly unknown[]) => Promise<Result>;
  return (context, values) => of(context, ...values);
}

/** Rows of libvirt's remote program that change nothing. */
export const reads = rows(Program.REMOTE, false);
/** Rows of libvirt's remote program that change something. */
export const writes = rows(Program.REMOTE, true);
/** Rows of the program that only QEMU's driver has, all of which change something. */
export const qemuWrites = rows(Program.QEMU, true);

/** Rows of our own program: what libvirt has no call for. */
export const ownWrites = rows(Program.NODEVISOR, true);

/** A row that changes something, or tells secrets, with some arguments only. */
export function writesWhen(row: Procedure, when: (...args: never[]) => boolean): Procedure {
  return { ...row, writes: (args) => when(...(args as never[])) };
}

/** A row whose stream may have holes, with some arguments. */
export function sparseWhen(row: Procedure, when: (...args: never[]) => boolean): Procedure {
  return { ...row, sparse: (args) => when(...(args as never[])) };
}

/** A procedure that the connection itself answers, typed for those who do. */
export interface SessionProcedure<A extends readonly Argument[], R extends Shape> extends Procedure {
  /** Only its types are of use: the arguments. */
  readonly types?: {
    readonly read: [ReadArguments<A>, ReadResult<R>];
    readonly written: [WrittenArguments<A>, WrittenResult<R>];
  };
}

/** A row without a method. */
export function session<const A extends readonly Argument[], const R extends Shape>(
  number: number,
  name: string,
  args: A,
  result: R,
): SessionProcedure<A, R> {
  return {
    program: Program.REMOTE,
    number,
    name,
    args: argumentList(args),
    result: resultOf(result),
    writes: () => false,
    sparse: () => false,
  };
}
