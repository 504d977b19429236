/** The table of all procedures that are known here. */
import type { MethodName, Procedure } from '../procedure.ts';
import { connectProcedures } from './connect.ts';
import { domainGuestProcedures } from './domain-guest.ts';
import { domainIoProcedures } from './domain-io.ts';
import { domainLifecycleProcedures } from './domain-lifecycle.ts';
import { domainReadProcedures } from './domain-read.ts';
import { domainResourceProcedures } from './domain-resources.ts';
import { domainSaveProcedures } from './domain-save.ts';
import { domainTuningProcedures } from './domain-tuning.ts';
import { foreignDomainProcedures } from './foreign-domain.ts';
import { foreignHostProcedures } from './foreign-host.ts';
import { foreignMigrationProcedures } from './foreign-migration.ts';
import { hostObjectProcedures } from './host-objects.ts';
import { networkProcedures } from './network.ts';
import { nodeProcedures } from './node.ts';
import { ownProcedures } from './own.ts';
import { sessionProcedures } from './session.ts';
import { snapshotProcedures } from './snapshot.ts';
import { storagePoolProcedures } from './storage-pool.ts';
import { storageVolumeProcedures } from './storage-volume.ts';

/** All rows. Of those for one method, the one that clients take first stands first. */
export const procedures: readonly Procedure[] = [
  ...Object.values(sessionProcedures),
  ...connectProcedures,
  ...nodeProcedures,
  ...hostObjectProcedures,
  ...domainLifecycleProcedures,
  ...domainReadProcedures,
  ...domainTuningProcedures,
  ...domainIoProcedures,
  ...domainResourceProcedures,
  ...domainSaveProcedures,
  ...domainGuestProcedures,
  ...snapshotProcedures,
  ...networkProcedures,
  ...storagePoolProcedures,
  ...storageVolumeProcedures,
  ...foreignDomainProcedures,
  ...foreignMigrationProcedures,
  ...foreignHostProcedures,
  ...ownProcedures,
];

const byProgram = new Map<number, Map<number, Procedure>>();
for (const one of procedures) {
  const program = byProgram.get(one.program) ?? new Map<number, Procedure>();
  byProgram.set(one.program, program.set(one.number, one));
}

/** A row by its program and number. */
export function findProcedure(program: number, number: number): Procedure | undefined {
  return byProgram.get(program)?.get(number);
}

/** The rows of each method, those first that clients take first. */
export const proceduresByMethod: ReadonlyMap<MethodName, readonly Procedure[]> = groupByMethod();

function groupByMethod(): Map<MethodName, Procedure[]> {
  const groups = new Map<MethodName, Procedure[]>();
  for (const one of procedures) {
    if (one.binding === undefined) continue;
    const { method } = one.binding;
    groups.set(method, [...(groups.get(method) ?? []), one]);
  }
  return groups;
}

export { sessionProcedures };
