/** What each command shows over `test:///default`, for people and programs, and how it fails. */
import type { Case } from './case.ts';
import { domain } from './domain.ts';
import { guest } from './guest.ts';
import { host } from './host.ts';
import { hostObjects } from './host-objects.ts';
import { limits } from './limits.ts';
import { monitor } from './monitor.ts';
import { networks } from './network.ts';
import { pools } from './pool.ts';
import { saving } from './save.ts';
import { shell } from './shell.ts';
import { snapshots } from './snapshot.ts';
import { volumes } from './volume.ts';

/** Cases by the name of the command. */
export const cases: Readonly<Record<string, Case>> = {
  ...domain,
  ...limits,
  ...guest,
  ...saving,
  ...monitor,
  ...host,
  ...hostObjects,
  ...networks,
  ...pools,
  ...volumes,
  ...snapshots,
  ...shell,
};
