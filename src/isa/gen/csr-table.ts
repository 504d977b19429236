/** generated/csr_table.h and generated/causes.h. */
import { Exception, Interrupt, interruptPriority, Priv } from '../causes.ts';
import { type CsrName, csrs } from '../csr.ts';
import type { Csr } from '../csr-def.ts';
import { constants, header, hex, hex64, xMacro } from './text.ts';

/** Element `index` of a field of the state block, as its name in state_layout.h and a byte offset from there. */
function place({ storage }: Csr): string {
  if (storage.kind !== 'state') return 'none, 0';
  return `${storage.field}, ${storage.index}`;
}

function csrRow(csr: Csr<CsrName>): string {
  const { storage } = csr;
  const constant = storage.kind === 'constant' ? storage.value : 0n;
  const shown = storage.kind === 'view' ? `${storage.of}, ${hex64(storage.mask)}, ${storage.shift}` : 'none, 0, 0';
  return [
    csr.name,
    hex(csr.number, 3),
    storage.kind === 'view' && storage.delegated ? 'delegated' : storage.kind,
    csr.gate ?? 'none',
    hex64(csr.writeMask),
    hex64(storage.kind === 'constant' ? constant : csr.reset),
    place(csr),
    shown,
  ].join(', ');
}

/** Fields with more to them than their bits, by register: namespaces of masks. */
function fieldMasks(): string[] {
  return csrs
    .filter((csr) => Object.keys(csr.fields).length > 1)
    .flatMap((csr) => [
      `namespace ${csr.name} {`,
      ...Object.entries(csr.fields).map(([name, field]) => `constexpr uint64_t ${name} = ${hex64(field.mask)};`),
      '}',
    ]);
}

/** Fields that take certain values only: a row each. */
function enumerated(): string[] {
  return csrs.flatMap((csr) =>
    Object.values(csr.fields).flatMap(({ mask, shift, rule }) => {
      if (typeof rule === 'string') return [];
      const legal = rule.legal.reduce((bits, value) => bits | (1 << value), 0);
      return [
        `    {${hex(csr.number, 3)}, ${shift}, ${rule.otherwise === 'refuse'}, ${hex(legal, 4)}, ${hex64(mask)}},`,
      ];
    }),
  );
}

/** The text of csr_table.h. */
export function csrTable(): string {
  return header(
    'Control and status registers.',
    ['cstdint'],
    [
      '/// state: an element of the state block; view: bits of another register; delegated: those bits of it that mideleg',
      '/// has; constant: reads its reset value, ignores writes; computed: made up by the CPU.',
      'enum class CsrStorage : uint8_t { state, view, delegated, constant, computed };',
      '',
      '/// What must hold for access besides privilege (see src/isa/csr-def.ts).',
      'enum class CsrGate : uint8_t { none, fs, counteren, sstc, tvm, envcfg, stateen };',
      '',
      '// X(name, number, storage, gate, write mask, reset, state field, index, viewed CSR, viewed mask, shift)',
      xMacro('NODEVISOR_CSRS', csrs.map(csrRow)),
      '',
      '/// A field that takes certain values only: bit n of `legal` is set for value n. Another value leaves the field as it',
      '/// is or, if the register refuses it, the whole register.',
      'struct CsrEnumerated {',
      '    uint16_t number;',
      '    uint8_t shift;',
      '    bool refuses;',
      '    uint32_t legal;',
      '    uint64_t mask;',
      '};',
      '',
      'constexpr CsrEnumerated kCsrEnumerated[] = {',
      ...enumerated(),
      '};',
      '',
      '/// Numbers.',
      'namespace csr {',
      ...constants(
        'uint32_t',
        csrs.map((csr) => [csr.name, hex(csr.number, 3)]),
      ),
      '}  // namespace csr',
      '',
      '/// Masks of fields.',
      'namespace csr_field {',
      ...fieldMasks(),
      '}  // namespace csr_field',
    ],
  );
}

function numbers(values: Readonly<Record<string, number>>): string[] {
  return constants(
    'uint32_t',
    Object.entries(values).map(([name, value]) => [name, String(value)]),
  );
}

/** The text of causes.h. */
export function causes(): string {
  return header(
    'Trap causes and privilege modes.',
    ['cstdint'],
    [
      '/// Exception codes.',
      'namespace cause {',
      ...numbers(Exception),
      '}  // namespace cause',
      '',
      '/// Interrupt numbers: bit positions in mip and mie.',
      'namespace interrupt {',
      ...numbers(Interrupt),
      '/// Pending interrupts of one destination mode are taken in this order.',
      `constexpr uint32_t kPriority[] = {${interruptPriority.join(', ')}};`,
      '}  // namespace interrupt',
      '',
      '/// Privilege modes as encoded in MPP.',
      'namespace priv {',
      ...numbers(Priv),
      '}  // namespace priv',
    ],
  );
}
