mod decoding;
mod sink;
