import { ApicurioRegistry } from './apicurio.ts';
import { CachedRegistry } from './cached.ts';
import { ConfluentRegistry } from './confluent.ts';
import { RegistryHttp } from './http.ts';
import type { SchemaRegistry } from './registry.ts';
import type { RegistryOptions, RegistrySettings } from './settings.ts';

/** Nothing is asked yet. Throws `UsageError` for an address that is none. */
export function openRegistry(settings: RegistrySettings, options: RegistryOptions): SchemaRegistry {
  const http = new RegistryHttp(settings, options);
  const api = settings.api ?? (/\/apis\/registry\/v3\/?$/.test(settings.url) ? 'apicurio' : 'confluent');
  const registry = api === 'apicurio' ? new ApicurioRegistry(http) : new ConfluentRegistry(http);
  // Another login may see other schemas under the same address.
  return new CachedRegistry(registry, [registry.address, api, settings.username ?? ''], options);
}
