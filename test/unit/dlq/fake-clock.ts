import type { Clock } from '../../../src/lib/dlq/clock.ts';

/** Time that passes only by sleeping, at once. */
export class FakeClock implements Clock {
  #now = 0;
  readonly sleeps: number[] = [];
  /** Called as time passes. */
  onSleep: (milliseconds: number) => void | Promise<void> = () => undefined;
  #draws = 0;

  now(): number {
    return this.#now;
  }

  async sleep(milliseconds: number): Promise<void> {
    this.sleeps.push(milliseconds);
    this.#now += milliseconds;
    await this.onSleep(milliseconds);
  }

  /** Evenly spread, the same in every run. */
  random(): number {
    this.#draws += 1;
    return (this.#draws * 0.618_033_988_749) % 1;
  }
}
