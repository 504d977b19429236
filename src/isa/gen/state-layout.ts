/** generated/state_layout.h: the shared memory's blocks. */
import {
  Attention,
  HARTS_MAX,
  HartConfig,
  hartLayout,
  type Layout,
  machineLayout,
  SLOTS,
  sharedMap,
} from '../state-layout.ts';
import { constants, header, hex } from './text.ts';

function block(name: string, about: string, layout: Layout<string>): string[] {
  const checks = layout.fields.map((f) => `static_assert(${name}::${f.name} % ${f.type === 'u64' ? 8 : 4} == 0);`);
  return [
    `/// ${about}`,
    `struct ${name} {`,
    ...layout.fields.flatMap((f) => [
      `    /// ${f.type}${f.count > 1 ? `[${f.count}]` : ''}: ${f.doc}`,
      `    static constexpr size_t ${f.name} = ${layout.offset[f.name]};`,
    ]),
    `    /// Size of the block.`,
    `    static constexpr size_t bytes = ${layout.bytes};`,
    '};',
    ...checks,
    '',
  ];
}

function bits(values: Readonly<Record<string, number>>): string[] {
  return constants(
    'uint32_t',
    Object.entries(values).map(([name, value]) => [name, String(value)]),
  );
}

/** The text of state_layout.h. */
export function stateLayout(): string {
  return header(
    'Byte offsets in the memory that threads and backends share.',
    ['cstddef', 'cstdint'],
    [
      'namespace layout {',
      '',
      ...block('machine', 'The machine block.', machineLayout),
      ...block('hart', "A hart's state block.", hartLayout),
      '/// Fixed places in the shared memory.',
      ...constants('size_t', [
        ['kMachine', hex(sharedMap.machine)],
        ['kHarts', hex(sharedMap.harts)],
        ['kDevices', hex(sharedMap.devices)],
        ['kDevicesEnd', hex(sharedMap.devicesEnd)],
        ['kDirty', hex(sharedMap.dirty)],
        ['kRam', hex(sharedMap.ram)],
      ]),
      '',
      ...constants('uint32_t', [
        ['kHartsMax', String(HARTS_MAX), 'Harts that there is room for.'],
        ['kSlots', String(SLOTS), 'Memory slots that there is room for.'],
      ]),
      '',
      "/// Offset of hart `id`'s state block.",
      'constexpr size_t hartOffset(size_t id) { return kHarts + id * hart::bytes; }',
      '',
      '}  // namespace layout',
      '',
      '/// Bits of the field attention.',
      'namespace attention {',
      ...bits(Attention),
      '}  // namespace attention',
      '',
      '/// Bits of the field hartConfig.',
      'namespace hart_config {',
      ...bits(HartConfig),
      '}  // namespace hart_config',
    ],
  );
}
