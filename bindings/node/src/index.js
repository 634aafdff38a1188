export { Client, connect, nonce, RowsealError, Secret } from './client.js';
