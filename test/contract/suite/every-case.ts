/** The table: every case of the contract, in the order in which an author of a driver meets them. */
import { abort } from './cases/abort.ts';
import { admin } from './cases/admin.ts';
import { backlog } from './cases/backlog.ts';
import { claimForGroup, claimFromChannel } from './cases/claim.ts';
import { connection } from './cases/connection.ts';
import { deadLetters } from './cases/dead-letters.ts';
import { look } from './cases/look.ts';
import { groups, positions } from './cases/positions.ts';
import { publish } from './cases/publish.ts';
import type { Section } from './contract-case.ts';

export const everySection: readonly Section[] = [
  connection,
  admin,
  publish,
  look,
  claimFromChannel,
  claimForGroup,
  backlog,
  groups,
  positions,
  deadLetters,
  abort,
];
