import { followRun, type Connector } from "./follow-run.ts";
import type { GatewayHttp } from "./http.ts";
import type { ChatTransport, TransportOptions } from "./transport.ts";

/** A transport that reads over its connector and tells the gateway everything else by REST. */
export function createHttpTransport(
  name: ChatTransport["name"],
  connector: Connector,
  http: GatewayHttp,
  options: TransportOptions,
): ChatTransport {
  return {
    name,
    send: (request, follow) => followRun(connector, request, { streamId: null, lastSeq: 0 }, { ...options, ...follow }),
    resume: (streamId, lastSeq, follow) => followRun(connector, null, { streamId, lastSeq }, { ...options, ...follow }),
    cancel: (streamId) => http.cancel(streamId),
    sendToolResult: (streamId, result) => http.sendToolResult(streamId, result),
    sendApproval: (streamId, approval) => http.sendApproval(streamId, approval),
    close() {},
  };
}
