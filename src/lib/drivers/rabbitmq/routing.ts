/** Which queues an exchange reaches: bindings followed as the broker follows them, for what must be known beforehand. */
import type { ManagementApi } from './management.ts';
import { objectOf, objectsOf, textOf } from './json.ts';
import type { JsonObject } from './json.ts';

export interface BindingFacts {
  readonly source: string;
  readonly destination: string;
  readonly destinationType: 'queue' | 'exchange';
  readonly routingKey: string;
  readonly arguments: JsonObject;
}

/** An array of the management API; what is not said is empty text. */
export function parseBindings(answer: unknown): readonly BindingFacts[] {
  return objectsOf(answer).map((binding) => ({
    source: textOf(binding['source']) ?? '',
    destination: textOf(binding['destination']) ?? '',
    destinationType: binding['destination_type'] === 'exchange' ? 'exchange' : 'queue',
    routingKey: textOf(binding['routing_key']) ?? '',
    arguments: objectOf(binding['arguments']),
  }));
}

/** Answers for the exchanges of one virtual host; each exchange is asked about once. */
export class Routing {
  readonly #api: ManagementApi;
  readonly #vhost: string;
  readonly #exchanges = new Map<string, Promise<ExchangeRoutes | null>>();

  constructor(api: ManagementApi, vhost: string) {
    this.#api = api;
    this.#vhost = vhost;
  }

  /**
   * The queues that a message to `exchange` can reach. `routingKey` null: with any key. The default exchange reaches
   * the queue of that name; with any key it reaches what nobody can say, so nothing.
   */
  async queues(exchange: string, routingKey: string | null, signal: AbortSignal): Promise<readonly string[]> {
    const found = new Set<string>();
    await this.#follow(exchange, routingKey, new Set(), found, signal);
    return [...found];
  }

  async #follow(
    exchange: string,
    routingKey: string | null,
    visited: Set<string>,
    found: Set<string>,
    signal: AbortSignal,
  ): Promise<void> {
    if (exchange === '') {
      if (routingKey !== null) found.add(routingKey);
      return;
    }
    if (visited.has(exchange)) return;
    visited.add(exchange);
    const routes = await this.#routes(exchange, signal);
    if (routes === null) return;
    let matched = false;
    for (const binding of routes.bindings) {
      if (routingKey !== null && !bindingMatches(routes.type, binding, routingKey)) continue;
      matched = true;
      if (binding.destinationType === 'queue') found.add(binding.destination);
      else await this.#follow(binding.destination, routingKey, visited, found, signal);
    }
    const alternate = routes.alternate;
    if (alternate !== null && (!matched || routingKey === null))
      await this.#follow(alternate, routingKey, visited, found, signal);
  }

  #routes(exchange: string, signal: AbortSignal): Promise<ExchangeRoutes | null> {
    const asked = this.#exchanges.get(exchange) ?? this.#ask(exchange, signal);
    this.#exchanges.set(exchange, asked);
    return asked;
  }

  async #ask(exchange: string, signal: AbortSignal): Promise<ExchangeRoutes | null> {
    const path = exchangePath(this.#vhost, exchange);
    const answer = await this.#api.get(path, signal);
    if (answer === null) return null;
    const facts = objectOf(answer);
    const policy = objectOf(facts['effective_policy_definition']);
    return {
      type: textOf(facts['type']) ?? 'direct',
      alternate:
        textOf(objectOf(facts['arguments'])['alternate-exchange']) ?? textOf(policy['alternate-exchange']),
      bindings: parseBindings(await this.#api.get(`${path}/bindings/source`, signal)),
    };
  }
}

interface ExchangeRoutes {
  readonly type: string;
  readonly alternate: string | null;
  readonly bindings: readonly BindingFacts[];
}

/** Where the management API has an exchange; the default one, which has no name, is `amq.default` there. */
export function exchangePath(vhost: string, name: string): string {
  const shown = name === '' ? 'amq.default' : name;
  return `/api/exchanges/${encodeURIComponent(vhost)}/${encodeURIComponent(shown)}`;
}

/** By the exchange's type; where it decides by headers or in a plugin's way, the binding may match. */
function bindingMatches(type: string, binding: BindingFacts, routingKey: string): boolean {
  if (type === 'direct') return binding.routingKey === routingKey;
  if (type === 'topic') return topicMatches(binding.routingKey, routingKey);
  return true;
}

/** AMQP 0-9-1, 3.1.3.3: words between dots, `*` is one word, `#` any number of them. */
export function topicMatches(pattern: string, routingKey: string): boolean {
  const words = routingKey.split('.');
  // Which positions of the key can be reached after each word of the pattern: linear in both, whatever the pattern.
  let reachable = new Set([0]);
  for (const part of pattern.split('.')) {
    const next = new Set<number>();
    if (part === '#') {
      const first = Math.min(...reachable);
      for (let position = first; position <= words.length; position++) next.add(position);
    } else {
      for (const position of reachable)
        if (position < words.length && (part === '*' || part === words[position])) next.add(position + 1);
    }
    if (next.size === 0) return false;
    reachable = next;
  }
  return reachable.has(words.length);
}
