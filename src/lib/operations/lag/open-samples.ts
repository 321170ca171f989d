/** The store of earlier looks, in which nothing that goes wrong keeps a look from being told. */
import { errorText, FailedError } from '../../errors.ts';
import { LagSamples, type LookToStore, type StoredLook } from '../../store/lag-samples.ts';

/** Burrow's window. */
export const windowLooks = 10;

export interface Samples {
  /** Why earlier samples could not be read, or these could not be kept; null: all is well. */
  readonly problem: string | null;
  read(target: string, of: Pick<LookToStore, 'group' | 'channel'>, since: number): readonly StoredLook[];
  keep(target: string, looks: readonly LookToStore[]): void;
  close(): void;
}

/** Trends are worth having, but lag is told without them, too: what fails is `problem`. null: nothing is kept. */
export async function openSamples(stateFolder: string | null): Promise<Samples> {
  let problem: string | null = null;
  let store: LagSamples | null = null;
  const attempt = <Value>(work: () => Value, otherwise: Value): Value => {
    try {
      return work();
    } catch (error) {
      problem ??= errorText(error);
      return otherwise;
    }
  };
  try {
    store = stateFolder === null ? null : await LagSamples.open(stateFolder);
  } catch (error) {
    if (!(error instanceof FailedError)) throw error;
    problem = error.message;
  }
  return {
    get problem() {
      return problem;
    },
    read: (target, of, since) =>
      attempt(() => store?.read(target, of, { since, limit: windowLooks - 1 }) ?? [], []),
    keep: (target, looks) => attempt(() => store?.append(target, looks), undefined),
    close: () => store?.close(),
  };
}
