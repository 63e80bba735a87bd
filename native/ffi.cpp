// The same kernels as foreign functions of XLA. Gradients, batches and shapes are the matter of `recurra.native.xla`.
#include <nanobind/nanobind.h>
#include <nanobind/stl/string.h>

#include "dispatch.hpp"
#include "scratch.hpp"
#include "threads.hpp"
#include "xla/ffi/api/ffi.h"

namespace nb = nanobind;
namespace ffi = xla::ffi;

namespace {

// The work is done by the pool of XLA: there is no other one beside it.
void run_on_pool(const recurra::Workers& self, long chunks, void (*work)(void*, long), void* context) {
    ffi::ThreadPool* pool = static_cast<ffi::ThreadPool*>(self.pool);
    const long helpers = (chunks < self.threads ? chunks : self.threads) - 1;
    recurra::share(chunks, work, context, helpers,
                   [&](std::function<void()> helper) { pool->Schedule(std::move(helper)); });
}

recurra::Workers workers_of(ffi::ThreadPool& pool, int64_t most) {
    const int64_t there = pool.num_threads();
    return {int(there < 1 ? 1 : there < most ? there : most), 4e6, run_on_pool, &pool};
}

template <ffi::DataType D>
using In = ffi::Buffer<D>;
template <ffi::DataType D>
using Out = ffi::ResultBuffer<D>;

template <class B>
auto data(B&& buffer) {
    return buffer.element_count() ? buffer.typed_data() : nullptr;
}

template <class B>
auto result(B&& buffer) {
    return buffer->element_count() ? buffer->typed_data() : nullptr;
}

recurra::Shape shape(int64_t cell, int64_t squash, ffi::Span<const int64_t> x, int64_t units) {
    return {int(cell), int(squash), long(x[0]), long(x[1]), long(x[2]), long(units)};
}

// The memory for a call; XLA knows no exceptions.
template <class T>
T* scratch(const recurra::Shape& s) {
    try {
        return recurra::scratch.get<T>(recurra::functions<T>().scratch_size(s));
    } catch (const std::bad_alloc&) {
        return nullptr;
    }
}

ffi::Error no_memory() {
    return ffi::Error(ffi::ErrorCode::kResourceExhausted, "there is no memory for the scratch of a recurrent layer");
}

template <ffi::DataType D>
ffi::Error forward(ffi::ThreadPool pool, int64_t cell, int64_t squash, int64_t threads, In<D> x, In<D> h0, In<D> c0,
                   In<D> U, In<D> W, In<D> b, In<D> d, ffi::Buffer<ffi::PRED> present, Out<D> hs, Out<D> hT, Out<D> cT,
                   Out<D> kept, Out<D> gates) {
    using T = ffi::NativeType<D>;
    const recurra::Shape s = shape(cell, squash, x.dimensions(), h0.dimensions()[1]);
    const recurra::Run<T> run{data(x), data(h0),      data(c0),   data(U),    data(W),    data(b),      data(d),
                              data(present), result(hs), result(hT), result(cT), result(kept), result(gates)};
    const recurra::Workers workers = workers_of(pool, threads);
    T* memory = scratch<T>(s);
    if (!memory) return no_memory();
    recurra::functions<T>().forward(s, run, workers, memory);
    return ffi::Error::Success();
}

template <ffi::DataType D>
ffi::Error backward(ffi::ThreadPool pool, int64_t cell, int64_t squash, int64_t threads, In<D> x, In<D> U, In<D> W,
                    ffi::Buffer<ffi::PRED> present, In<D> kept, In<D> gates, In<D> dhs, In<D> dhT, In<D> dcT,
                    Out<D> dx, Out<D> dh0, Out<D> dc0, Out<D> dU, Out<D> dW, Out<D> db, Out<D> dd) {
    using T = ffi::NativeType<D>;
    const recurra::Shape s = shape(cell, squash, x.dimensions(), W.dimensions()[1]);
    const recurra::Gradient<T> g{data(x),    data(U),     data(W),     data(present), data(dhs),   data(dhT),
                                 data(dcT),  data(kept),  data(gates), result(dx),    result(dh0), result(dc0),
                                 result(dU), result(dW),  result(db),  result(dd)};
    const recurra::Workers workers = workers_of(pool, threads);
    T* memory = scratch<T>(s);
    if (!memory) return no_memory();
    recurra::functions<T>().backward(s, g, workers, memory);
    return ffi::Error::Success();
}

template <ffi::DataType D>
ffi::Error tangent(ffi::ThreadPool pool, int64_t cell, int64_t squash, int64_t threads, In<D> x, In<D> U, In<D> W,
                   ffi::Buffer<ffi::PRED> present, In<D> kept, In<D> gates, In<D> dx, In<D> dh0, In<D> dc0, In<D> dU,
                   In<D> dW, In<D> db, In<D> dd, Out<D> dhs, Out<D> dhT, Out<D> dcT) {
    using T = ffi::NativeType<D>;
    const recurra::Shape s = shape(cell, squash, x.dimensions(), W.dimensions()[1]);
    const recurra::Tangent<T> t{data(x),  data(U),     data(W),     data(present), data(kept), data(gates),
                                data(dx), data(dh0),   data(dc0),   data(dU),      data(dW),   data(db),
                                data(dd), result(dhs), result(dhT), result(dcT)};
    const recurra::Workers workers = workers_of(pool, threads);
    T* memory = scratch<T>(s);
    if (!memory) return no_memory();
    recurra::functions<T>().tangent(s, t, workers, memory);
    return ffi::Error::Success();
}

auto bind_settings() {
    return ffi::Ffi::Bind().Ctx<ffi::ThreadPool>().Attr<int64_t>("cell").Attr<int64_t>("squash").Attr<int64_t>(
        "threads");
}

template <ffi::DataType D>
auto bind_forward() {
    using B = ffi::Buffer<D>;
    auto inputs = bind_settings().template Arg<B>().template Arg<B>().template Arg<B>().template Arg<B>()
                      .template Arg<B>().template Arg<B>().template Arg<B>().template Arg<ffi::Buffer<ffi::PRED>>();
    return std::move(inputs).template Ret<B>().template Ret<B>().template Ret<B>().template Ret<B>().template Ret<B>();
}

// x, U, W, the steps that are there, and the tape.
template <ffi::DataType D>
auto bind_taped() {
    using B = ffi::Buffer<D>;
    return bind_settings().template Arg<B>().template Arg<B>().template Arg<B>().template Arg<ffi::Buffer<ffi::PRED>>()
        .template Arg<B>().template Arg<B>();
}

template <ffi::DataType D>
auto bind_tangent() {
    using B = ffi::Buffer<D>;
    auto inputs = bind_taped<D>().template Arg<B>().template Arg<B>().template Arg<B>().template Arg<B>()
                      .template Arg<B>().template Arg<B>().template Arg<B>();
    return std::move(inputs).template Ret<B>().template Ret<B>().template Ret<B>();
}

template <ffi::DataType D>
auto bind_backward() {
    using B = ffi::Buffer<D>;
    auto inputs = bind_taped<D>().template Arg<B>().template Arg<B>().template Arg<B>();
    return std::move(inputs).template Ret<B>().template Ret<B>().template Ret<B>().template Ret<B>().template Ret<B>()
        .template Ret<B>().template Ret<B>();
}

XLA_FFI_DEFINE_HANDLER(forward_f32, forward<ffi::F32>, bind_forward<ffi::F32>());
XLA_FFI_DEFINE_HANDLER(forward_f64, forward<ffi::F64>, bind_forward<ffi::F64>());
XLA_FFI_DEFINE_HANDLER(backward_f32, backward<ffi::F32>, bind_backward<ffi::F32>());
XLA_FFI_DEFINE_HANDLER(backward_f64, backward<ffi::F64>, bind_backward<ffi::F64>());
XLA_FFI_DEFINE_HANDLER(tangent_f32, tangent<ffi::F32>, bind_tangent<ffi::F32>());
XLA_FFI_DEFINE_HANDLER(tangent_f64, tangent<ffi::F64>, bind_tangent<ffi::F64>());

}  // namespace

NB_MODULE(_ffi, m) {
    m.def("handlers", [] {
        nb::dict found;
        found["forward_float32"] = nb::capsule(reinterpret_cast<void*>(forward_f32));
        found["forward_float64"] = nb::capsule(reinterpret_cast<void*>(forward_f64));
        found["backward_float32"] = nb::capsule(reinterpret_cast<void*>(backward_f32));
        found["backward_float64"] = nb::capsule(reinterpret_cast<void*>(backward_f64));
        found["tangent_float32"] = nb::capsule(reinterpret_cast<void*>(tangent_f32));
        found["tangent_float64"] = nb::capsule(reinterpret_cast<void*>(tangent_f64));
        return found;
    });
    m.def("use", [](const std::string& isa) {
        if (const recurra::Kernels* found = recurra::kernels_named(isa.c_str())) recurra::use(*found);
    });
}
