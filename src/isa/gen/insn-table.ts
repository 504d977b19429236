/** generated/insn_table.h: the instruction tables. */
import { type BitField, insert } from '../bits.ts';
import {
  type CompressedFormat,
  type CompressedInsn,
  type CompressedOperand,
  compressedFormats,
} from '../compressed.ts';
import { compressedInsns } from '../extensions/rv64c.ts';
import { type Format, formats, type OperandName } from '../formats.ts';
import type { Insn, RegisterUse } from '../insn.ts';
import { insns } from '../table.ts';
import { header, hex, identifier, xMacro } from './text.ts';

const operandNames: readonly OperandName[] = ['rd', 'rs1', 'rs2', 'rs3', 'imm', 'rm', 'aqrl'];

/** Most runs of bits that one operand is scattered over: the offset of c.j. */
const RUNS_MAX = 8;

function bitField(field: BitField | undefined): string {
  if (field === undefined) return '{}';
  const runs = field.runs.map((run) => `{${run.insnLow}, ${run.valueLow}, ${run.width}}`).join(', ');
  return `{${field.runs.length}, ${field.width}, ${field.signed}, {${runs}}}`;
}

function formatRow(name: string, format: Format): string {
  const fields = operandNames.map((operand) => bitField(format.operands[operand]));
  return `    /* ${name} */ {${fields.join(', ')}},`;
}

const flagNames = [
  'kEndsBlock',
  'kMayTrap',
  'kFflags',
  'kUsesRm',
  'kNeedsFs',
  'kDirtiesFs',
  'kReadsX1',
  'kReadsX2',
  'kReadsF1',
  'kReadsF2',
  'kReadsF3',
  'kWritesX',
  'kWritesF',
  'kMemorySigned',
] as const;

const flagDocs: Readonly<Record<(typeof flagNames)[number], string>> = {
  kEndsBlock: 'The next instruction is not always the one behind it, or it changes what fetching depends on.',
  kMayTrap: 'May raise an exception besides those that its extension shares.',
  kFflags: 'May set bits of fflags.',
  kUsesRm: 'Has a rounding mode; 5 and 6 are reserved encodings.',
  kNeedsFs: 'Traps while mstatus.FS is off.',
  kDirtiesFs: 'Makes mstatus.FS dirty.',
  kReadsX1: 'rs1 is an integer source.',
  kReadsX2: 'rs2 is an integer source.',
  kReadsF1: 'rs1 is a floating-point source.',
  kReadsF2: 'rs2 is a floating-point source.',
  kReadsF3: 'rs3 is a floating-point source.',
  kWritesX: 'rd is an integer destination.',
  kWritesF: 'rd is a floating-point destination.',
  kMemorySigned: 'What it loads is sign-extended.',
};

function registerFlag(use: RegisterUse): (typeof flagNames)[number] {
  const file = use.file === 'x' ? 'X' : 'F';
  if (use.field === 'rd') return `kWrites${file}`;
  return `kReads${file}${use.field.slice(2)}` as (typeof flagNames)[number];
}

function flags(insn: Insn): string {
  const set = new Set([...insn.reads, ...insn.writes].map(registerFlag));
  if (insn.endsBlock) set.add('kEndsBlock');
  if (insn.mayTrap) set.add('kMayTrap');
  if (insn.fflags) set.add('kFflags');
  if (insn.usesRm) set.add('kUsesRm');
  if (insn.needsFs) set.add('kNeedsFs');
  if (insn.dirtiesFs) set.add('kDirtiesFs');
  if (insn.memory?.signed) set.add('kMemorySigned');
  return hex(
    flagNames.reduce((bits, name, i) => bits | (set.has(name) ? 1 << i : 0), 0),
    4,
  );
}

const memoryKinds = ['none', 'load', 'store', 'lr', 'sc', 'amo', 'block'] as const;

function insnRow(insn: Insn): string {
  const memory = `${insn.memory?.kind ?? 'none'}, ${insn.memory?.bytes ?? 0}`;
  const name = identifier(insn.name);
  return `${name}, "${insn.name}", ${insn.extension}, ${insn.format}, ${hex(insn.mask, 8)}, ${hex(insn.match, 8)}, ${flags(insn)}, ${memory}`;
}

/** Where an expansion takes a register from: `base` plus `width` bits from `low` up. */
function registerSource(insn: CompressedInsn, target: 'rd' | 'rs1' | 'rs2'): string {
  const source = insn.expansion[target] ?? target;
  if (typeof source === 'number') return `{0, 0, ${source}}`;
  const field = (compressedFormats[insn.format] as CompressedFormat).operands[source];
  if (field === undefined) return '{0, 0, 0}';
  return `{${field.runs[0].insnLow}, ${field.width}, ${field.width === 3 ? 8 : 0}}`;
}

/** Halfwords that match a line but belong to another or to none, as masks. */
function exclusions(insn: CompressedInsn): string {
  const operands = (compressedFormats[insn.format] as CompressedFormat).operands;
  const rows = Object.entries(insn.except).flatMap(([name, values]) => {
    const field = operands[name as CompressedOperand];
    if (field === undefined) return [];
    return values.map((value) => `{${hex(field.mask, 4)}, ${hex(insert(field, value), 4)}}`);
  });
  // A mask of 0 with a match of 1 excludes nothing.
  return `{${[...rows, '{0, 1}', '{0, 1}'].slice(0, 2).join(', ')}}`;
}

function compressedRow(insn: CompressedInsn): string {
  const registers = (['rd', 'rs1', 'rs2'] as const).map((target) => registerSource(insn, target)).join(', ');
  const imm = bitField((compressedFormats[insn.format] as CompressedFormat).operands.imm);
  const codes = `${hex(insn.mask, 4)}, ${hex(insn.match, 4)}, Op::${identifier(insn.expansion.to)}_`;
  return `    /* ${insn.name} */ {${codes}, ${registers}, ${imm}, ${exclusions(insn)}},`;
}

/** The text of insn_table.h. */
export function insnTable(): string {
  const formatNames = Object.keys(formats);
  const extensions = [...new Set(insns.map((insn) => insn.extension))];
  return header(
    'Instructions: encodings, operands, attributes.',
    ['cstdint'],
    [
      '/// Bits of an instruction from insnLow up that are bits of an operand from valueLow up.',
      'struct BitRun {',
      '    uint8_t insnLow, valueLow, width;',
      '};',
      '',
      '/// Where an operand lies. `count` 0: the format does not have it. A signed one has its sign in bit width - 1.',
      'struct BitField {',
      '    uint8_t count, width;',
      '    bool isSigned;',
      `    BitRun runs[${RUNS_MAX}];`,
      '};',
      '',
      `enum class Format : uint8_t { ${formatNames.join(', ')} };`,
      '',
      '/// Operands of a format.',
      'struct FormatLayout {',
      `    BitField ${operandNames.join(', ')};`,
      '};',
      '',
      '/// By Format.',
      'constexpr FormatLayout kFormats[] = {',
      ...Object.entries(formats).map(([name, format]) => formatRow(name, format)),
      '};',
      '',
      `enum class Extension : uint8_t { ${extensions.join(', ')} };`,
      '',
      '/// How an instruction touches memory; block: a cache block.',
      `enum class MemoryKind : uint8_t { ${memoryKinds.join(', ')} };`,
      '',
      '/// Attributes of instructions.',
      'enum InsnFlag : uint16_t {',
      ...flagNames.flatMap((name, i) => [`    /// ${flagDocs[name]}`, `    ${name} = ${hex(1 << i, 4)},`]),
      '};',
      '',
      '// X(name, text, extension, format, mask, match, flags, memory kind, memory bytes); name is text with _ for dots.',
      xMacro('NODEVISOR_INSNS', insns.map(insnRow)),
      '',
      '/// Instructions by number; the underscore keeps names such as `and` and `xor` apart from C++ keywords.',
      'enum class Op : uint16_t {',
      '    illegal_,',
      '#define X(name, ...) name##_,',
      '    NODEVISOR_INSNS(X)',
      '#undef X',
      '};',
      '',
      '/// One line of the table.',
      'struct InsnInfo {',
      '    const char* text;',
      '    uint32_t mask, match;',
      '    uint16_t flags;',
      '    Extension extension;',
      '    Format format;',
      '    MemoryKind memory;',
      '    uint8_t memoryBytes;',
      '};',
      '',
      '/// By Op.',
      'constexpr InsnInfo kInsns[] = {',
      '    {"illegal", 0, 1, 0, Extension::i, Format::None, MemoryKind::none, 0},',
      '#define X(name, text, extension, format, mask, match, flags, memory, bytes) \\',
      '    {text, mask, match, flags, Extension::extension, Format::format, MemoryKind::memory, bytes},',
      '    NODEVISOR_INSNS(X)',
      '#undef X',
      '};',
      `constexpr uint32_t kInsnCount = ${insns.length + 1};`,
      'static_assert(sizeof(kInsns) / sizeof(kInsns[0]) == kInsnCount);',
      '',
      '/// A register of an expansion: base plus the `width` bits of the halfword from `low` up.',
      'struct RegisterSource {',
      '    uint8_t low, width, base;',
      '};',
      '',
      '/// A compressed instruction and what it stands for, unless one of `except` matches too.',
      'struct CompressedInfo {',
      '    uint16_t mask, match;',
      '    Op op;',
      '    RegisterSource rd, rs1, rs2;',
      '    BitField imm;',
      '    struct {',
      '        uint16_t mask, match;',
      '    } except[2];',
      '};',
      '',
      'constexpr CompressedInfo kCompressed[] = {',
      ...compressedInsns.map(compressedRow),
      '};',
    ],
  );
}
