export { PROTOBUF_TYPE, ProtobufDecoder } from './decoder.ts';
