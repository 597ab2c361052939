#!/bin/sh
# Text generation of llama.cpp at a batch of parallel sequences, by its llama-batched-bench. UNTESTED against llama.cpp;
# reads the table that its README shows.
#   batchtune tune llama-3.2-1b-decode --backend command --command 'sh llama_cpp.sh model.gguf {batch} {n} {threads}'
# A run is a prompt of 128 tokens and 32 generated ones for each sequence; the model is loaded once for all runs.
model=$1 batch=$2 runs=$3 threads=$4
rows=$(yes "$batch" | head -n "$runs" | paste -sd, -)
table=$(llama-batched-bench -m "$model" -t "$threads" -c $((160 * batch)) -npp 128 -ntg 32 -npl "$rows") || exit $?
# |   PP |   TG |    B |  N_KV | T_PP s | S_PP t/s | T_TG s | S_TG t/s |   T s |  S t/s |
echo "$table" | awk -F'|' '$2 ~ /^ *[0-9]+ *$/ { print $10 }'
