"""Suites that others wrote, run against the server as it is: `make conformance`.

- the MCP Inspector lists the tools in strict mode, in both eras of the protocol;
- the official conformance suite, for both revisions, with files of the failures that are expected;
- YARA rules of Cisco's MCP scanner read every text that a model gets before it calls a tool;
- the client libraries of Google, LangChain and OpenAI convert the tools and the answers for their models;
- the MCP fuzzer calls tools and protocol with nonsense, and finds no crash and no hang.
"""
