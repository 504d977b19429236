import { UsageFailure } from './failure.ts';

/** A line taken apart, for running it or, where it ends in the middle, for completing it. */
export interface SplitLine {
  /** Commands in order, each as its words. */
  readonly commands: readonly (readonly string[])[];
  /** The line ends in a word: the last one of the last command is not finished. */
  readonly inWord: boolean;
  /** The quote that was not closed. */
  readonly openQuote: string | undefined;
  /** Where the last word starts in the line. */
  readonly wordStart: number;
}

class Splitter {
  readonly #line: string;
  readonly #commands: string[][] = [[]];
  #word: string | undefined;
  #wordStart = 0;
  #quote: string | undefined;

  constructor(line: string) {
    this.#line = line;
  }

  run(): SplitLine {
    for (let i = 0; i < this.#line.length; i++) {
      const char = this.#line[i]!;
      if (char === '\\' && this.#quote !== "'" && i + 1 < this.#line.length) this.#add(this.#line[++i]!, i - 1);
      else if (this.#quote !== undefined) this.#quoted(char, i);
      else if (char === '"' || char === "'") {
        this.#add('', i);
        this.#quote = char;
      } else if (char === '#' && this.#word === undefined) break;
      else if (/\s/.test(char)) this.#endWord();
      else if (char === ';') this.#endCommand();
      else this.#add(char, i);
    }
    const inWord = this.#word !== undefined;
    const openQuote = this.#quote;
    const wordStart = inWord ? this.#wordStart : this.#line.length;
    this.#endWord();
    return { commands: this.#commands, inWord, openQuote, wordStart };
  }

  #quoted(char: string, at: number): void {
    if (char === this.#quote) this.#quote = undefined;
    else this.#add(char, at);
  }

  #add(text: string, at: number): void {
    if (this.#word === undefined) this.#wordStart = at;
    this.#word = (this.#word ?? '') + text;
  }

  #endWord(): void {
    if (this.#word !== undefined) this.#commands.at(-1)!.push(this.#word);
    this.#word = undefined;
  }

  #endCommand(): void {
    this.#endWord();
    this.#commands.push([]);
  }
}

/** Takes a line apart as far as it goes. Quotes and backslashes are the shell's, `;` ends a command, `#` the line. */
export function splitPartialLine(line: string): SplitLine {
  return new Splitter(line).run();
}

/** The commands of a line as lists of words; empty ones are left out. Throws UsageFailure for an open quote. */
export function splitLine(line: string): readonly (readonly string[])[] {
  const { commands, openQuote } = splitPartialLine(line);
  if (openQuote !== undefined) throw new UsageFailure(`missing ${openQuote}`);
  return commands.filter((words) => words.length > 0);
}

/** A word as it must be typed to be read as it is. */
export function quoteWord(word: string): string {
  return /^[\w@%+=:,./\u0080-\uffff-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
