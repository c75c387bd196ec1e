// What browsers, and Node from version 22 on, have by themselves; this one can also be cut.
import { WebSocket } from "ws";

globalThis.WebSocket = WebSocket;
