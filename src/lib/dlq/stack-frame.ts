/** The place in the application's own code where it failed, from a stack trace of Java, .NET, JavaScript, Python or Go. */

const longestStack = 64 * 1024;

/** Code that an application stands on: a frame there says how, not where. */
const libraries =
  /^(?:java|javax|jdk|sun|com\.sun|jakarta|kotlin|kotlinx|scala|akka|reactor|io\.netty|io\.vertx|io\.micrometer|org\.apache|org\.springframework|org\.hibernate|com\.fasterxml|com\.google|com\.zaxxer|org\.postgresql|com\.mysql|System|Microsoft|MassTransit|NServiceBus|RabbitMQ|Confluent|Newtonsoft|Npgsql|runtime|net\/http|google\.golang\.org)[./]/;
const libraryFiles =
  /(?:node:|\/node_modules\/|node_modules\/|\/site-packages\/|\/dist-packages\/|\/lib\/python\d|<frozen |\/go\/pkg\/mod\/|\/usr\/local\/go\/)/;

interface Frame {
  readonly place: string;
  readonly library: boolean;
}

/** `com.acme.Orders.price`: without line numbers, which move with every release. null where there is no frame. */
export function applicationFrame(stack: string | null): string | null {
  if (stack === null) return null;
  const frames: Frame[] = [];
  let innermostLast = false;
  for (const line of stack.slice(0, longestStack).split('\n')) {
    if (line.startsWith('Traceback (most recent call last)')) innermostLast = true;
    const frame = parseFrame(line.slice(0, 1_000));
    if (frame !== null) frames.push(frame);
  }
  if (innermostLast) frames.reverse();
  return (frames.find(({ library }) => !library) ?? frames[0])?.place ?? null;
}

function parseFrame(line: string): Frame | null {
  const text = line.trim();
  // Python: File "/app/orders.py", line 12, in price
  const python = /^File "([^"]+)", line \d+, in (.+)$/.exec(text);
  if (python !== null) {
    const [, file = '', name = ''] = python;
    return { place: `${baseName(file)}:${name}`, library: libraryFiles.test(file) };
  }
  // Java, .NET and JavaScript begin alike.
  if (text.startsWith('at ')) return atFrame(text.slice('at '.length));
  const name = goFunction(text);
  return name === null ? null : { place: name, library: libraries.test(name) };
}

/** `github.com/acme/orders.(*Cart).Price` of `github.com/acme/orders.(*Cart).Price(0xc000, 0x1)`: the last parenthesis that fits. */
function goFunction(text: string): string | null {
  if (!text.endsWith(')')) return null;
  const name = /^[\w./*()-]*/.exec(text.slice(0, -1))?.[0] ?? '';
  const argumentsFrom = text.lastIndexOf(')', text.length - 2);
  for (let open = name.lastIndexOf('('); open > argumentsFrom; open = name.lastIndexOf('(', open - 1)) {
    const called = name.slice(0, open);
    const dot = called.indexOf('.', Math.max(called.lastIndexOf('/') + 1, 1));
    if (dot !== -1 && dot < called.length - 1) return called;
    if (open === 0) break;
  }
  return null;
}

function atFrame(text: string): Frame | null {
  // JavaScript without a name: at /app/orders.js:12:5
  const bare = /^(?:async )?((?:file:\/\/)?\/?[^\s()]+):\d+:\d+$/.exec(text);
  if (bare !== null) {
    const file = bare[1] ?? '';
    return { place: baseName(file), library: libraryFiles.test(file) };
  }
  // .NET: at Acme.Orders.Price(String id) in /src/Orders.cs:line 12
  const dotnet = /^([^\s(]+)\(.*\) in .+$/.exec(text);
  if (dotnet !== null) return named(dotnet[1] ?? '', '');
  const called = /^(?:async )?(?:new )?([^(]+?) ?\(([^()]*)\)?/.exec(text);
  if (called === null) return null;
  const [, name = '', where = ''] = called;
  return named(name.trim(), where);
}

function named(name: string, where: string): Frame | null {
  // Java modules and class loaders stand before the class: app//com.acme.Orders, java.base/java.lang.Thread
  const plain = name.replace(/^(?:[\w.@-]*\/)+/, '').replace(/\$\$?(?:Lambda|\d)[\w$/.]*/g, '$lambda');
  if (plain === '') return null;
  return { place: plain, library: libraries.test(plain) || libraries.test(name) || libraryFiles.test(where) };
}

function baseName(file: string): string {
  return file.slice(file.lastIndexOf('/') + 1);
}
