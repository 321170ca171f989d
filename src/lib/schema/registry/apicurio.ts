/** Apicurio's own API, version 3. A subject is an artifact of the group `default`, or `GROUP/ARTIFACT`. */
import { AnswerIsNoError, FailedError } from '../../errors.ts';
import { formatOfRegistry, travelOf } from '../engines.ts';
import type { SchemaKey } from '../framing/framing.ts';
import { compatibilityModes, type CompatibilityMode } from '../mode.ts';
import { wordsOf, type HttpAnswer, type RegistryHttp } from './http.ts';
import { keysOf, listOf, objectOf, parseAnswer, saysNotThere, textOf, type JsonObject } from './json.ts';
import type { ReferenceTo, RegisterRequest, RegisteredSchema, SchemaRegistry } from './registry.ts';

const pageSize = 500;
const defaultGroup = 'default';

export class ApicurioRegistry implements SchemaRegistry {
  readonly finds = ['id', 'content-id', 'global-id'] as const;
  readonly #http: RegistryHttp;

  constructor(http: RegistryHttp) {
    this.#http = http;
  }

  get address(): string {
    return this.#http.address;
  }

  async byKey({ by, value }: SchemaKey, signal: AbortSignal): Promise<RegisteredSchema | null> {
    // What has the frame of Confluent carries the content id here.
    const field = by === 'id' || by === 'content-id' ? 'contentId' : by === 'global-id' ? 'globalId' : null;
    if (field === null || value.startsWith('-')) return null;
    const found = objectOf(await this.#get(`/search/versions?${field}=${value}&limit=1`, signal));
    const version = objectOf(listOf(found['versions'])[0]);
    const subject = subjectOf(version);
    const number = textOf(version['version']);
    return subject === null || number === null ? null : this.version(subject, number, signal);
  }

  async subjects(signal: AbortSignal): Promise<readonly string[]> {
    const subjects = new Set<string>();
    await this.#eachOf('/search/artifacts', 'artifacts', 'artifactId', signal, (artifact) => {
      const subject = subjectOf(artifact);
      if (subject === null || subjects.has(subject)) return false;
      subjects.add(subject);
      return true;
    });
    return [...subjects];
  }

  async versions(subject: string, signal: AbortSignal): Promise<readonly string[] | null> {
    const found = new Map<string, number>();
    const path = `${pathOf(subject)}/versions`;
    const isThere = await this.#eachOf(path, 'versions', 'globalId', signal, (facts) => {
      const version = textOf(facts['version']);
      if (version === null || found.has(version)) return false;
      found.set(version, Number(facts['globalId']));
      return true;
    });
    if (!isThere) return null;
    // 3.0.9 answers `asc` with the newest first: the ids, which grow with every version, say which is older.
    return [...found].sort(([, one], [, other]) => one - other).map(([version]) => version);
  }

  async version(subject: string, version: string, signal: AbortSignal): Promise<RegisteredSchema | null> {
    const expression = version === 'latest' ? 'branch=latest' : encodeURIComponent(version);
    const path = `${pathOf(subject)}/versions/${expression}`;
    const facts = await this.#get(path, signal);
    if (facts === null) return null;
    const content = await this.#http.ask('GET', `${path}/content`, undefined, signal);
    if (content.status >= 400) return this.#fail(content);
    const references = await this.#get(`${path}/references`, signal);
    const { contentId, globalId } = objectOf(facts);
    return {
      id: textOf(contentId),
      otherKeys: [...keysOf('content-id', contentId), ...keysOf('global-id', globalId)],
      subject,
      version: textOf(objectOf(facts)['version']),
      format: formatOfRegistry(textOf(objectOf(facts)['artifactType']) ?? ''),
      text: content.text,
      references: listOf(references).flatMap(referenceOf),
    };
  }

  async mode(subject: string, signal: AbortSignal): Promise<CompatibilityMode | null> {
    const rule =
      (await this.#get(`${pathOf(subject)}/rules/COMPATIBILITY`, signal)) ??
      (await this.#get('/admin/rules/COMPATIBILITY', signal));
    const said = textOf(objectOf(rule)['config']);
    return compatibilityModes.find((mode) => mode === said) ?? null;
  }

  async register(request: RegisterRequest, signal: AbortSignal): Promise<RegisteredSchema> {
    const { subject, format, text, references } = request;
    const [group, artifactId] = split(subject);
    const answer = await this.#http.ask(
      'POST',
      `/groups/${encodeURIComponent(group)}/artifacts?ifExists=FIND_OR_CREATE_VERSION`,
      {
        artifactId,
        artifactType: travelOf(format).type,
        firstVersion: {
          content: {
            content: text,
            contentType: travelOf(format).contentType,
            references: references.map((reference) => {
              const [groupId, artifact] = split(reference.subject);
              return { name: reference.name, groupId, artifactId: artifact, version: reference.version };
            }),
          },
        },
      },
      signal,
    );
    if (answer.status === 409 || answer.status === 422)
      throw new AnswerIsNoError(`the registry rejects it: ${causesOf(answer)}`);
    if (answer.status >= 400) return this.#fail(answer);
    const version = objectOf(objectOf(parseAnswer(answer, this.address))['version']);
    return {
      id: textOf(version['contentId']),
      subject,
      version: textOf(version['version']),
      format,
      text,
      references,
    };
  }

  /**
   * Page by page, until one is not full. `add` says whether it is new: where none of a page is, the registry does not know pages, and
   * that was all. False: there is no such path.
   */
  async #eachOf(
    path: string,
    list: string,
    orderBy: string,
    signal: AbortSignal,
    add: (facts: JsonObject) => boolean,
  ): Promise<boolean> {
    for (let offset = 0; ; offset += pageSize) {
      const query = `limit=${pageSize.toString()}&offset=${offset.toString()}&orderby=${orderBy}&order=asc`;
      const answer = await this.#get(`${path}?${query}`, signal);
      if (answer === null) return false;
      const page = listOf(objectOf(answer)[list]).map(objectOf);
      const added = page.filter(add);
      if (page.length < pageSize || added.length === 0) return true;
    }
  }

  /** null: not found. */
  async #get(path: string, signal: AbortSignal): Promise<unknown> {
    const answer = await this.#http.ask('GET', path, undefined, signal);
    if (saysNotThere(answer, this.address, isApicurios)) return null;
    return answer.status >= 400 ? this.#fail(answer) : parseAnswer(answer, this.address);
  }

  #fail(answer: HttpAnswer): never {
    throw new FailedError(`the registry at ${this.address} answered: ${wordsOf(answer)}`, {
      code: 'REGISTRY',
    });
  }
}

/** Of a path that it does not have it says `NotFoundException`, of a thing that is not there what kind of thing it is. */
function isApicurios({ name }: JsonObject): boolean {
  return typeof name === 'string' && /.NotFoundException$/.test(name);
}

function split(subject: string): [group: string, artifact: string] {
  const slash = subject.indexOf('/');
  return slash === -1 ? [defaultGroup, subject] : [subject.slice(0, slash), subject.slice(slash + 1)];
}

function pathOf(subject: string): string {
  const [group, artifact] = split(subject);
  return `/groups/${encodeURIComponent(group)}/artifacts/${encodeURIComponent(artifact)}`;
}

function subjectOf(facts: JsonObject): string | null {
  const [group, artifact] = [textOf(facts['groupId']), textOf(facts['artifactId'])];
  if (artifact === null) return null;
  return group === null || group === defaultGroup ? artifact : `${group}/${artifact}`;
}

function referenceOf(value: unknown): ReferenceTo[] {
  const fields = objectOf(value);
  const name = textOf(fields['name']);
  const subject = subjectOf(fields);
  return name === null || subject === null
    ? []
    : [{ name, subject, version: textOf(fields['version']) ?? 'latest' }];
}

/** Of a rule that was broken: what is incompatible, and where. */
function causesOf(answer: HttpAnswer): string {
  const causes = listOf(objectOf(parseAnswer(answer, ''))['causes']).flatMap((cause) => {
    const fields = objectOf(cause);
    const description = textOf(fields['description']);
    const context = textOf(fields['context']);
    return description === null ? [] : [context === null ? description : `${description} (${context})`];
  });
  return causes.length === 0 ? wordsOf(answer) : causes.join('; ');
}
