/** What `produce` tells of what it sent. */
import type { DeliveryGuarantee } from '../../drivers/driver.ts';
import { FailedError, PartialError, type MqctlError } from '../../errors.ts';
import type { InvalidLine } from '../../operations/conform.ts';
import type { ProduceFailure, ProduceResult } from '../../operations/produce.ts';
import type { Output } from '../../output/output.ts';
import { countText } from '../../output/time.ts';

/** `line 3: …`, of one that is not what its schema says. */
export function invalidText({ line, reason }: InvalidLine): string {
  return `line ${line.toString()}: ${reason}`;
}

/** `line 3: not accepted: …`; where no answer came, that it may be there or not. */
export function failureText({ line, status, reason }: ProduceFailure): string {
  return `line ${line.toString()}: ${status === 'unknown' ? 'no answer, it may be there or not' : 'not accepted'}: ${reason}`;
}

/** One JSON document, or a line for a person, and what may surprise. */
export async function printProduced(
  output: Output,
  result: ProduceResult,
  { channel, delivery, json }: { channel: string; delivery: DeliveryGuarantee; json: boolean },
): Promise<void> {
  const { produced, suppressed, failed, unknown, unsent, sentTo, failures } = result;
  if (json)
    await output.printJson({
      produced,
      ...(suppressed > 0 && { suppressed }),
      failed,
      unknown,
      unsent,
      sentTo,
      channel,
      failures,
    });
  else
    output.note(
      `produced ${countText(produced)} to "${channel}"${unsent > 0 ? `, ${countText(unsent)} not sent` : ''}`,
    );
  if (delivery === 'at-most-once') output.note('at most once: nothing says whether they arrived anywhere');
  if (suppressed > 0)
    output.note(
      `${countText(suppressed)} of them were suppressed as duplicates of earlier ones: the system keeps one of an id`,
    );
}

/** The error to end with; null where everything was accepted. */
export function shortfall(
  { produced, failed, unknown, unsent, sentTo, broken }: ProduceResult,
  delivery: DeliveryGuarantee,
): MqctlError | null {
  if (failed === 0 && broken === null && unsent === 0) return null;
  const doubt = unknown > 0 ? `; of ${countText(unknown)} nobody knows whether they are there` : '';
  const reason = broken === null ? '' : `: ${broken.message}`;
  const rest = broken === null || sentTo === null ? '' : `, nothing after line ${sentTo.toString()} was sent`;
  const text = `${countText(failed)} not accepted, ${countText(unsent)} not sent${rest}${doubt}${reason}`;
  if (produced > 0)
    return new PartialError(text, { hint: 'the lines are named above, and in failures with -o json' });
  return new FailedError(
    delivery === 'transactional' ? `nothing was produced, since not everything could be: ${text}` : text,
  );
}
