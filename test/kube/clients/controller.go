package main

import (
	"context"
	"os"
	"strconv"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/record"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"
	"sigs.k8s.io/controller-runtime/pkg/metrics/server"
)

const (
	// The label of the ConfigMaps that the controller serves.
	orderLabel = "example.com/order"
	// The annotation with which it says how many are served.
	servedAnnotation = "example.com/served"
	finalizer        = "example.com/served"
)

// orders makes a Deployment of each ConfigMap that is an order, as large as the order says.
type orders struct {
	client.Client
	events record.EventRecorder
}

// runController runs until it is told to end or is not the leader any more.
func runController() error {
	ctrl.SetLogger(zap.New(zap.WriteTo(os.Stderr)))
	lease, renew, retry := 4*time.Second, 3*time.Second, 500*time.Millisecond
	manager, err := ctrl.NewManager(ctrl.GetConfigOrDie(), ctrl.Options{
		Metrics:                       server.Options{BindAddress: "0"},
		LeaderElection:                true,
		LeaderElectionID:              "orders",
		LeaderElectionNamespace:       "default",
		LeaderElectionReleaseOnCancel: true,
		LeaseDuration:                 &lease,
		RenewDeadline:                 &renew,
		RetryPeriod:                   &retry,
	})
	if err != nil {
		return err
	}
	reconciler := &orders{manager.GetClient(), manager.GetEventRecorderFor("orders")}
	err = ctrl.NewControllerManagedBy(manager).For(&corev1.ConfigMap{}).Owns(&appsv1.Deployment{}).Complete(reconciler)
	if err != nil {
		return err
	}
	return manager.Start(ctrl.SetupSignalHandler())
}

func (c *orders) Reconcile(ctx context.Context, request ctrl.Request) (ctrl.Result, error) {
	order := &corev1.ConfigMap{}
	if err := c.Get(ctx, request.NamespacedName, order); err != nil {
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	if _, ok := order.Labels[orderLabel]; !ok {
		return ctrl.Result{}, nil
	}
	if !order.DeletionTimestamp.IsZero() {
		if controllerutil.RemoveFinalizer(order, finalizer) {
			return ctrl.Result{}, c.Update(ctx, order)
		}
		return ctrl.Result{}, nil
	}
	if controllerutil.AddFinalizer(order, finalizer) {
		return ctrl.Result{}, c.Update(ctx, order)
	}
	size, err := strconv.Atoi(order.Data["size"])
	if err != nil {
		return ctrl.Result{}, err
	}
	deployment, err := c.serve(ctx, order, int32(size))
	if err != nil {
		return ctrl.Result{}, err
	}
	if err := c.report(ctx, deployment); err != nil {
		return ctrl.Result{}, err
	}
	if err := c.expose(ctx, order); err != nil {
		return ctrl.Result{}, err
	}
	ctrl.LoggerFrom(ctx).Info("looked at", "order", order.Name)
	if order.Annotations[servedAnnotation] == order.Data["size"] {
		return ctrl.Result{}, nil
	}
	before := order.DeepCopy()
	metav1.SetMetaDataAnnotation(&order.ObjectMeta, servedAnnotation, order.Data["size"])
	if err := c.Patch(ctx, order, client.MergeFrom(before)); err != nil {
		return ctrl.Result{}, err
	}
	c.events.Eventf(order, corev1.EventTypeNormal, "Served", "%d served", size)
	return ctrl.Result{}, nil
}

func (c *orders) serve(ctx context.Context, order *corev1.ConfigMap, size int32) (*appsv1.Deployment, error) {
	deployment := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Namespace: order.Namespace, Name: order.Name}}
	_, err := controllerutil.CreateOrUpdate(ctx, c.Client, deployment, func() error {
		labels := map[string]string{"order": order.Name}
		deployment.Spec.Replicas = &size
		deployment.Spec.Selector = &metav1.LabelSelector{MatchLabels: labels}
		deployment.Spec.Template.Labels = labels
		deployment.Spec.Template.Spec.Containers = []corev1.Container{{Name: "web", Image: "example.com/web:1"}}
		return controllerutil.SetControllerReference(order, deployment, c.Scheme())
	})
	return deployment, err
}

// expose applies the whole Service each time, as a typed client does: with fields that are empty.
func (c *orders) expose(ctx context.Context, order *corev1.ConfigMap) error {
	service := &corev1.Service{
		TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "Service"},
		ObjectMeta: metav1.ObjectMeta{Namespace: order.Namespace, Name: order.Name},
		Spec: corev1.ServiceSpec{
			Selector: map[string]string{"order": order.Name},
			Ports:    []corev1.ServicePort{{Port: 80}},
		},
	}
	return c.Patch(ctx, service, client.Apply, client.FieldOwner("orders"), client.ForceOwnership)
}

// report plays the Deployment's own controller: it writes the status, first all of it, later a part.
func (c *orders) report(ctx context.Context, deployment *appsv1.Deployment) error {
	size := *deployment.Spec.Replicas
	if deployment.Status.Replicas == size {
		return nil
	}
	if deployment.Status.Replicas == 0 {
		deployment.Status.Replicas = size
		return c.Status().Update(ctx, deployment)
	}
	before := deployment.DeepCopy()
	deployment.Status.Replicas = size
	return c.Status().Patch(ctx, deployment, client.MergeFrom(before))
}
