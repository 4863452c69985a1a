/**
 * Node's HTTP. An `import` would read each of its exports, also those that are loaded on first use, and with them fetch and WebSocket,
 * which nobody here uses: a tenth of every start.
 */
export const http = process.getBuiltinModule('node:http')
