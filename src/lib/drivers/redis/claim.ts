import type { Claim, Claiming, ClaimRequest } from '../driver.ts';
import { FailedError, UnsupportedError } from '../../errors.ts';
import { claimFromStream } from './claim-stream.ts';
import { claimForGroup } from './claim-group.ts';
import { claimExhausted } from './claim-exhausted.ts';
import type { Link } from './link.ts';
import { exhaustedOf } from './place.ts';
import { requireStream } from './streams.ts';

export class RedisClaim implements Claim {
  readonly #link: Link;

  constructor(link: Link) {
    this.#link = link;
  }

  async open(request: ClaimRequest, signal: AbortSignal): Promise<Claiming> {
    const exhausted = await exhaustedOf(this.#link, request.channel, signal);
    if (exhausted !== null) {
      if (request.group !== null)
        throw new UnsupportedError(`"${request.channel}" is of the group "${exhausted.group}" already`, {
          hint: 'take from it without a group',
        });
      return claimExhausted(this.#link, exhausted, request, signal);
    }
    await requireStream(this.#link, request.channel, signal);
    if (request.group === null) return claimFromStream(this.#link, request, signal);
    if (request.select !== null)
      throw new FailedError('single entries cannot be taken for a group: it would be given them again');
    return claimForGroup(this.#link, request.group, request, signal);
  }
}
