import { strict as assert } from 'node:assert';
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import type { Context } from 'mocha';
import { SeededRandom, type VirErrorName, VirtError } from '../../../src/util/index.ts';
import {
  type FilledDomainDef,
  fillDomainDefaults,
  type HostCapabilities,
  parseDomain,
  validateDomain,
} from '../../../src/virt/conf/index.ts';
import { missing, needTool } from '../../support/need-tool.ts';

export const host: HostCapabilities = {
  uuid: '0f0e0d0c-0b0a-4908-8706-050403020100',
  arch: 'x86_64',
  cpus: 4,
  memoryKib: 8 << 20,
  emulator: '/usr/bin/nodevisor',
  maxVcpus: 8,
  maxMemoryKib: (4 << 20) - 2048,
};

/** A definition with its defaults, the random ones always the same. */
export function complete(xml: string): FilledDomainDef {
  return fillDomainDefaults(parseDomain(xml), { random: new SeededRandom(1), emulator: host.emulator });
}

/** What define does with a document. */
export function define(xml: string): FilledDomainDef {
  const def = complete(xml);
  validateDomain(def, host);
  return def;
}

/** The smallest domain, with more elements in it and in its `<devices>`. */
export function domainXml(more = '', devices = '', os = ''): string {
  return `<domain type='qemu'>
  <name>small</name>
  <memory unit='MiB'>64</memory>
  <os><type arch='riscv64' machine='virt'>hvm</type>${os}</os>
  ${more}
  <devices>${devices}</devices>
</domain>`;
}

/** Asserts that `run` throws a VirtError of a code whose message matches, and gives it back. */
export function refuses(run: () => unknown, code: VirErrorName, message: RegExp): VirtError {
  let thrown: unknown;
  try {
    run();
  } catch (error) {
    thrown = error;
  }
  assert.ok(thrown instanceof VirtError, `expected a VirtError, got ${String(thrown)}`);
  assert.equal(thrown.code, code, thrown.message);
  assert.match(thrown.message, message);
  return thrown;
}

const schemas = '/usr/share/libvirt/schemas';

/** Skips, or fails under CI, where libvirt's schemas or the tool to check them with are not installed. */
export function needSchemas(test: Context): void {
  needTool(test, 'xmllint', 'libxml2-utils');
  if (!existsSync(`${schemas}/domain.rng`)) missing(test, `${schemas} is missing (Debian package libvirt0)`);
}

/** Asserts that a document is valid by one of libvirt's schemas. */
export function assertValid(schema: string, xml: string): void {
  const result = spawnSync('xmllint', ['--noout', '--relaxng', `${schemas}/${schema}.rng`, '-'], {
    input: xml,
    encoding: 'utf8',
    timeout: 20_000,
  });
  assert.equal(result.status, 0, `${result.stderr}\n${xml}`);
}
