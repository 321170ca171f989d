/**
 * The internals of kafkajs 2.2.4 that this driver uses: its connection (socket, framing, request queue, SASL). The
 * package has no types for them; these are exactly what is used, and the version is pinned because of them.
 */

declare module 'kafkajs/src/loggers/index.js' {
  export interface Logger {
    namespace(name: string): Logger;
  }
  export interface LogEntry {
    readonly namespace: string;
    readonly label: string;
    readonly log: Readonly<Record<string, unknown>>;
  }
  const loggers: {
    readonly LEVELS: { readonly INFO: number };
    createLogger(options: { level: number; logCreator: () => (entry: LogEntry) => void }): Logger;
  };
  export default loggers;
}

declare module 'kafkajs/src/network/requestQueue/index.js' {
  class RequestQueue {
    pending: unknown[];
    /** Milliseconds since 1970, −1 when the broker never asked to wait. */
    throttledUntil: number;
    throttleCheckTimeoutId: NodeJS.Timeout | null;
    checkPendingRequests(): void;
    scheduleCheckPendingRequests(): void;
    destroy(): void;
  }
  export default RequestQueue;
}

declare module 'kafkajs/src/network/connection.js' {
  import type { Logger } from 'kafkajs/src/loggers/index.js';
  import type RequestQueue from 'kafkajs/src/network/requestQueue/index.js';
  import type { Socket } from 'node:net';

  export interface SaslExchange {
    /** `encode` gives the bytes with their length before them. */
    readonly request: { encode(): Promise<Buffer> };
    readonly response?: {
      decode(payload: Buffer): Promise<unknown>;
      parse(decoded: unknown): Promise<unknown>;
    };
  }

  export interface SaslOptions {
    readonly mechanism: string;
    readonly username?: string;
    readonly password?: string;
    readonly oauthBearerProvider?: () => Promise<{
      readonly value: string;
      readonly extensions?: Readonly<Record<string, string>>;
    }>;
    readonly authenticationProvider?: (options: {
      readonly host: string;
      readonly port: number;
      readonly saslAuthenticate: (exchange: SaslExchange) => Promise<unknown>;
    }) => { authenticate(): Promise<void> };
  }

  class Connection {
    constructor(options: {
      host: string;
      port: number;
      logger: Logger;
      socketFactory: (options: { host: string; port: number; onConnect: () => void }) => Socket;
      sasl: SaslOptions | null;
      clientId: string;
      /** Milliseconds, these too. */
      connectionTimeout: number;
      requestTimeout: number;
      reauthenticationThreshold?: number;
    });
    readonly requestQueue: RequestQueue;
    setVersions(versions: Readonly<Record<number, { minVersion: number; maxVersion: number }>>): void;
    setSupportAuthenticationProtocol(supported: boolean): void;
    isConnected(): boolean;
    connect(): Promise<unknown>;
    authenticate(): Promise<void>;
    send<Answer>(exchange: {
      request: {
        apiKey: number;
        apiName: string;
        apiVersion: number;
        /** What it needs of its own encoder: the bytes, under both names. */
        encode(): Promise<{ buf: Buffer; buffer: Buffer }>;
      };
      response: {
        decode(payload: Buffer): Promise<{ answer: Answer; clientSideThrottleTime: number | null }>;
        parse(decoded: { answer: Answer }): Promise<Answer>;
      };
      requestTimeout: number;
      logResponseError: boolean;
    }): Promise<Answer>;
    /** What came in from the socket. */
    processData(bytes: Buffer): void;
    rejectRequests(error: Error): void;
    disconnect(): Promise<unknown>;
  }
  export default Connection;
}
