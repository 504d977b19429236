/** What is wrong with an assembly source, and where. */
export class AssemblerError extends Error {
  /** Line of the source, from 1. */
  readonly line: number;

  constructor(line: number, message: string) {
    super(`line ${line}: ${message}`);
    this.name = 'AssemblerError';
    this.line = line;
  }
}

/** A complaint without a place: the assembler adds the line and makes it an AssemblerError. */
export class Complaint extends Error {}

/** Throws a Complaint. */
export function complain(message: string): never {
  throw new Complaint(message);
}
