import { BaseCommand } from '../../lib/base.ts';
import { outputFlag } from '../../lib/flags.ts';
import type { KnownContext } from '../../lib/config/contexts.ts';
import { listingFormats, printListing } from '../../lib/output/listing.ts';

export default class ContextLs extends BaseCommand<typeof ContextLs> {
  static override aliases = ['context:list'];
  static override summary = 'List the contexts of yours and of the project around';
  static override description =
    'Reads the files only: no secret is resolved, nothing is connected to. A context of a project whose file is not trusted can be used as long as it runs and reads nothing.';
  static override examples = [
    { description: 'All', command: '<%= config.bin %> context ls' },
    { description: 'The current one', command: '<%= config.bin %> context ls -o json | jq -r .current' },
  ];
  static override flags = { output: outputFlag(listingFormats) };

  async run(): Promise<void> {
    const { knownContexts } = await import('../../lib/config/contexts.ts');
    const { redactUrl } = await import('../../lib/config/redact.ts');
    const known = await knownContexts({ environment: process.env, directory: process.cwd() });
    const rows = [...known.byName.values()];
    await printListing(this.output, this.flags.output ?? 'table', {
      columns: [
        { header: '', cell: ({ name }: KnownContext) => (name === known.current ? '*' : '') },
        { header: 'NAME', cell: ({ name }: KnownContext) => name },
        { header: 'URL', cell: ({ fields }: KnownContext) => redactUrl(fields.url) },
        { header: 'FROM', cell: ({ origin }: KnownContext) => originText(origin) },
        { header: 'GUARD', cell: ({ fields }: KnownContext) => guardText(fields) },
      ],
      rows,
      record: ({ name, origin, fields }) => ({
        name,
        url: redactUrl(fields.url),
        current: name === known.current,
        file: origin.file,
        trusted: origin.kind === 'own' || origin.trusted,
        readOnly: fields.readOnly,
        protected: fields.protected,
      }),
      document: (contexts) => ({ current: known.current, contexts }),
      empty: `no contexts yet: mqctl context add NAME URL writes one to ${known.ownFile}`,
    });
    for (const name of known.refused)
      this.output.warn(
        `"${name}" of ${known.projectFile?.file ?? ''} is not used: the file is not trusted, and you have one of that name`,
      );
  }
}

function originText(origin: KnownContext['origin']): string {
  if (origin.kind === 'own') return 'yours';
  return origin.trusted ? 'project' : 'project, not trusted';
}

function guardText(fields: KnownContext['fields']): string {
  return [fields.readOnly ? 'read-only' : '', fields.protected ? 'protected' : ''].filter(Boolean).join(', ');
}
